namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// A queue of items, linked through their records: no object per item. Removing from the middle leaves a removed record behind
/// that is freed when it comes to the head; once they are the larger part, all are swept out. Under the lock of <see cref="CacheItems"/>.
/// </summary>
internal sealed class ItemQueue(ItemTable table, ItemPlace place)
{
    private const int SweepAbove = 1024;

    private uint _head;
    private uint _tail;
    private long _links;

    /// <summary>Bytes of its live items.</summary>
    public long Bytes { get; private set; }

    /// <summary>Live items.</summary>
    public long Count { get; private set; }

    public void Push(uint item)
    {
        Link(item);
        if (_tail == 0)
        {
            _head = item;
        }
        else
        {
            table[_tail].Next = item;
        }

        _tail = item;
    }

    /// <summary>Adds it where the next one is taken.</summary>
    public void PushFirst(uint item)
    {
        Link(item);
        table[item].Next = _head;
        _head = item;
        if (_tail == 0)
        {
            _tail = item;
        }
    }

    public bool TryPeek(out uint item)
    {
        while ((item = _head) != 0)
        {
            if (!table[item].IsRemoved)
            {
                return true;
            }

            Unlink();
            table.Free(item);
        }

        return false;
    }

    public bool TryPop(out uint item)
    {
        if (!TryPeek(out item))
        {
            return false;
        }

        Unlink();
        Count--;
        Bytes -= table.BytesOf(item);
        table[item].Place = ItemPlace.None;
        return true;
    }

    public void Resized(long deltaBytes) => Bytes += deltaBytes;

    /// <summary>A linked item is gone.</summary>
    public void Removed(uint item)
    {
        table[item].IsRemoved = true;
        Count--;
        Bytes -= table.BytesOf(item);
        if (_links - Count > Count + SweepAbove)
        {
            for (var left = Count; left > 0 && TryPop(out var live); left--)
            {
                Push(live);
            }
        }
    }

    /// <summary>Takes out the items of one source, in order; the others keep theirs.</summary>
    public void Extract(ushort source, List<uint> items)
    {
        for (var left = Count; left > 0 && TryPop(out var item); left--)
        {
            if (table[item].Source == source)
            {
                items.Add(item);
            }
            else
            {
                Push(item);
            }
        }
    }

    private void Link(uint item)
    {
        ref var record = ref table[item];
        record.Next = 0;
        record.Place = place;
        _links++;
        Count++;
        Bytes += table.BytesOf(item);
    }

    private void Unlink()
    {
        var item = _head;
        _head = table[item].Next;
        _tail = _head == 0 ? 0 : _tail;
        _links--;
        table[item].Next = 0;
    }
}
