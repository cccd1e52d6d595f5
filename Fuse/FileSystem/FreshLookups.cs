using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// What LOOKUPs without a lease (<c>sync=always</c>) have just answered, by the thread they were for. The kernel makes one system
/// call of several requests: an <c>open</c> is LOOKUP then OPEN, a <c>stat</c> LOOKUP then GETATTR. The second one is the same question,
/// so it takes the answer of the first, once. Bounded; threads that share a slot only ask again. Thread-safe.
/// </summary>
internal sealed class FreshLookups(TimeProvider time)
{
    /// <summary>From one request of a system call to the next: microseconds, on a busy machine more.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    private readonly Answer?[] _slots = new Answer?[256];

    /// <summary>Keeps the answer for the next request of the same thread.</summary>
    public void Put(uint thread, FileNode node, NodeEntry entry) =>
        Volatile.Write(ref _slots[thread % (uint)_slots.Length], new Answer(thread, node, entry, time.GetTimestamp()));

    /// <summary>Takes the answer this thread has just had for this node.</summary>
    /// <returns>Null when there is none: ask.</returns>
    public NodeEntry? Take(uint thread, FileNode node)
    {
        ref var slot = ref _slots[thread % (uint)_slots.Length];
        var answer = Volatile.Read(ref slot);

        // Zero: a thread of another pid namespace, and so is its neighbour.
        return thread != 0 && answer is not null && answer.Thread == thread && ReferenceEquals(answer.Node, node)
            && time.GetElapsedTime(answer.At) < Longest
            && Interlocked.CompareExchange(ref slot, null, answer) == answer
                ? answer.Entry
                : null;
    }

    private sealed record Answer(uint Thread, FileNode Node, NodeEntry Entry, long At);
}
