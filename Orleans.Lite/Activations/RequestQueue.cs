namespace Orleans.Runtime;

/// <summary>What waits and what runs at one activation, and the rule who may start: a request waits for the others to
/// end unless it may interleave. Guarded by the activation's lock.</summary>
internal sealed class RequestQueue(GrainClass grainClass, Shuffler? shuffler)
{
    private readonly LinkedList<Work> _waiting = new();
    private readonly List<Work> _running = [];
    private int _blocking;
    private int _blockingReadOnly;

    public int Waiting => _waiting.Count;
    public int Running => _running.Count;
    public bool IsIdle => _waiting.Count == 0 && _running.Count == 0;
    public void Add(Work work) => _waiting.AddLast(work);

    /// <summary>Takes the next request that may start and notes it as running.</summary>
    public Work? TakeRunnable()
    {
        var node = shuffler is not null && _waiting.Count > 1 ? NodeAt(shuffler.Next(_waiting.Count)) : _waiting.First;
        for (var looked = 0; looked < _waiting.Count; looked++, node = node.Next ?? _waiting.First)
        {
            if (MayStart(node!.Value))
            {
                _waiting.Remove(node);
                Start(node.Value);
                return node.Value;
            }

            if (!grainClass.HasInterleaving)
            {
                return null; // Nothing overtakes: what blocks the first blocks all.
            }
        }

        return null;
    }

    public void Finish(Work work)
    {
        _running.Remove(work);
        if (!work.IsAlwaysInterleave)
        {
            _blocking--;
            _blockingReadOnly -= work.IsReadOnly ? 1 : 0;
        }
    }

    public List<Work> TakeAllWaiting()
    {
        var all = _waiting.ToList();
        _waiting.Clear();
        return all;
    }

    public List<Work> SnapshotRunning() => [.. _running];

    private bool MayStart(Work work) => _blocking == 0 || work.IsAlwaysInterleave
        || (work.IsReadOnly && _blocking == _blockingReadOnly) || grainClass.MayInterleave(work);

    private void Start(Work work)
    {
        _running.Add(work);
        if (!work.IsAlwaysInterleave)
        {
            _blocking++;
            _blockingReadOnly += work.IsReadOnly ? 1 : 0;
        }
    }

    private LinkedListNode<Work> NodeAt(int index)
    {
        var node = _waiting.First!;
        for (; index > 0; index--)
        {
            node = node.Next!;
        }

        return node;
    }
}
