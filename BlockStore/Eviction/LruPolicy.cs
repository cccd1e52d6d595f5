namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Least recently used first, as near as a queue that is put in order lazily comes: an item that was used since it was queued goes back to
/// the end when its turn comes (Corbató's clock). A use costs one store; an eviction looks at the head only.
/// </summary>
internal sealed class LruPolicy(ItemTable table) : IEvictionPolicy
{
    private readonly ItemQueue _queue = new(table, ItemPlace.Main);

    public long Bytes => _queue.Bytes;

    public void Added(uint item)
    {
        table[item].Frequency = 0;
        _queue.Push(item);
    }

    public bool Touch(uint item) => table.CountUse(item, out _);

    public void Resized(uint item, long deltaBytes) => _queue.Resized(deltaBytes);

    public void Removed(uint item) => _queue.Removed(item);

    public void PickVictims(long bytesWanted, List<uint> victims)
    {
        // After one full round every item has had its second chance.
        var chances = _queue.Count;
        for (long bytes = 0; bytes < bytesWanted && _queue.TryPop(out var item);)
        {
            if (table[item].Frequency > 0 && chances-- > 0)
            {
                Added(item);
                continue;
            }

            victims.Add(item);
            bytes += table.BytesOf(item);
        }
    }

    public void Return(uint item, bool first)
    {
        if (first)
        {
            _queue.PushFirst(item);
        }
        else
        {
            _queue.Push(item);
        }
    }

    public void Extract(ushort source, List<uint> items) => _queue.Extract(source, items);
}
