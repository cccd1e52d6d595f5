namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// What is open, by the handle the kernel carries. Bounded; a handle that is not one of ours finds nothing.
/// </summary>
internal sealed class HandleTable<T>(int capacity)
    where T : class, IDisposable
{
    private readonly SlotTable<T> _slots = new(capacity);

    public int Count => _slots.Count;

    /// <summary>Adds what was opened.</summary>
    /// <returns>The handle, or 0 when the table is full; the caller then disposes it.</returns>
    public ulong Add(T opened) => _slots.Add(opened);

    public T? Find(ulong handle) => _slots.Find(handle);

    /// <summary>Takes it out; the caller disposes it.</summary>
    public T? Remove(ulong handle) => _slots.Remove(handle);

    /// <summary>Closes all that is open: the session has ended, no RELEASE will come.</summary>
    public void Clear()
    {
        for (var slot = 1; slot < _slots.SlotsUsed; slot++)
        {
            _slots.AtSlot(slot)?.Dispose();
        }
    }
}
