namespace OrleansCache.BlockStore.Index;

/// <summary>
/// Counts the readers of one cache file so that eviction can wait for those that may still use a block, and only those.
/// <para>
/// Readers count themselves in the slot of the current phase, then look whether their blocks are there. Whoever takes
/// blocks away first hides them, then waits for a grace: the idle slot empty, phase flipped, the other slot empty. A
/// reader that saw a block counted itself before it was hidden, so the grace sees it; readers of other blocks that come
/// later count in the other slot and do not prolong it. One grace at a time per gate.
/// </para>
/// </summary>
internal struct PinGate
{
    private int _phase;
    private int _readers0;
    private int _readers1;

    public bool IsIdle => Volatile.Read(ref _readers0) == 0 && Volatile.Read(ref _readers1) == 0;

    public int Enter()
    {
        var slot = Volatile.Read(ref _phase);
        Interlocked.Increment(ref slot == 0 ? ref _readers0 : ref _readers1);
        return slot;
    }

    public void Exit(int slot) => Interlocked.Decrement(ref slot == 0 ? ref _readers0 : ref _readers1);

    /// <summary>Takes the grace a step further; true when it is over. <paramref name="step"/> begins at 0.</summary>
    public bool Advance(ref int step)
    {
        Interlocked.MemoryBarrier();
        var phase = Volatile.Read(ref _phase);
        if (step == 0)
        {
            if (Volatile.Read(ref phase == 0 ? ref _readers1 : ref _readers0) != 0)
            {
                return false;
            }

            Volatile.Write(ref _phase, 1 - phase);
            Interlocked.MemoryBarrier();
            phase = 1 - phase;
            step = 1;
        }

        return Volatile.Read(ref phase == 0 ? ref _readers1 : ref _readers0) == 0;
    }
}
