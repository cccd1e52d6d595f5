namespace OrleansCache.BlockStore.Eviction;

/// <summary>Who gives items up.</summary>
internal interface IItemOwner
{
    /// <summary>
    /// Starts giving up about so many bytes of an item. Returns what will come back; the task ends when the gone record is
    /// durable. Nothing and a task that has ended: it is in use (leased) or unknown. Nothing and a task that has not: busy for a
    /// moment, to be asked again soon; the task itself is not waited for.
    /// </summary>
    (long LeavingBytes, Task Recorded) TryEvict(uint item, long bytesWanted);
}
