namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP'23). New items enter a small
/// queue, a tenth of the bytes. Who is used twice before it comes to the head there moves to the main queue (lazily: nothing
/// moves on a use); the others leave and are remembered for a while as ghosts, and a ghost that returns goes to the main queue
/// at once. The main queue gives an item one more round for each use, three at most. A single pass over many items stays in the small queue.
/// </summary>
internal sealed class S3FifoPolicy : IEvictionPolicy
{
    private const int SmallShare = 10; // One in ten: the paper's choice, flat between 5 % and 20 %.
    private const byte PromoteAbove = 1;

    private readonly ItemTable _table;
    private readonly uint _ghostTicks;

    public S3FifoPolicy(ItemTable table)
    {
        _table = table;
        _ghostTicks = ItemTable.Ticks(table.CapacityBytes);
        Small = new ItemQueue(table, ItemPlace.Small);
        Main = new ItemQueue(table, ItemPlace.Main);
        Ghost = new GhostTable(table);
    }

    public ItemQueue Small { get; }

    public ItemQueue Main { get; }

    public GhostTable Ghost { get; }

    public long Bytes => Small.Bytes + Main.Bytes;

    public void Added(uint item)
    {
        Ghost.FitTo(Small.Count + Main.Count);
        var isBack = Ghost.TryTake(_table[item].KeyHash, _ghostTicks, out _);
        (isBack ? Main : Small).Push(item);
    }

    public bool Touch(uint item) => _table.CountUse(item, out _);

    public void Resized(uint item, long deltaBytes) => QueueOf(item).Resized(deltaBytes);

    public void Removed(uint item) => QueueOf(item).Removed(item);

    public void PickVictims(long bytesWanted, List<uint> victims)
    {
        for (long bytes = 0; bytes < bytesWanted && TryPick(out var item);)
        {
            victims.Add(item);
            bytes += _table.BytesOf(item);
        }
    }

    public bool TryPick(out uint item)
    {
        // Each step demotes a use or moves an item to the main queue; the bound is for readers who use them meanwhile.
        for (var steps = 4 * (Small.Count + Main.Count); ; steps--)
        {
            if (Small.Bytes * SmallShare > Bytes || Main.Count == 0)
            {
                if (!Small.TryPop(out item))
                {
                    return false;
                }

                ref var record = ref _table[item];
                if (record.Frequency <= PromoteAbove || steps <= 0)
                {
                    Ghost.Add(record.KeyHash, record.LastUsed);
                    return true;
                }

                record.Frequency = 0;
                Main.Push(item);
            }
            else
            {
                Main.TryPop(out item);
                if (_table[item].Frequency == 0 || steps <= 0)
                {
                    return true;
                }

                _table[item].Frequency--;
                Main.Push(item);
            }
        }
    }

    public void Return(uint item, bool first)
    {
        if (first)
        {
            // The queue it came from is the one that would be asked next.
            (Small.Bytes * SmallShare > Bytes || Main.Count == 0 ? Small : Main).PushFirst(item);
        }
        else
        {
            Main.Push(item);
        }
    }

    public void Extract(ushort source, List<uint> items)
    {
        Small.Extract(source, items);
        Main.Extract(source, items);
    }

    private ItemQueue QueueOf(uint item) => _table[item].Place == ItemPlace.Small ? Small : Main;
}
