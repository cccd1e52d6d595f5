using OrleansCache.Files;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// Keeps the node table within its budget: the kernel forgets names only when it is short of memory itself, so above
/// the limit it is asked to drop names of files nobody has open, oldest slot first. It forgets their nodes in its own
/// time.
/// </summary>
internal sealed class NodeTrimmer(NodeTable nodes, FileSystemCounters counters, int limit)
{
    /// <summary>
    /// New nodes between two rounds, and names asked for in one: what comes in over the limit goes out.
    /// </summary>
    private const int RoundNodes = 256;

    /// <summary>Slots looked at in one round: keeps a round under a tenth of a millisecond when few qualify.</summary>
    private const int RoundSlotsMax = 4 * RoundNodes;

    private int _sinceRound;
    private int _hand = 1;
    private int _isRunning;

    /// <summary>Called after each lookup count handed out.</summary>
    public void OnInterned(IFuseConnection? connection)
    {
        if (nodes.Count <= limit || connection is null || Interlocked.Increment(ref _sinceRound) < RoundNodes
            || Interlocked.Exchange(ref _isRunning, 1) == 1)
        {
            return;
        }

        _sinceRound = 0;
        Round(connection);
        Volatile.Write(ref _isRunning, 0);
    }

    private void Round(IFuseConnection connection)
    {
        var asked = 0;
        for (var looked = 0; looked < RoundSlotsMax && asked < RoundNodes; looked++)
        {
            _hand = _hand + 1 < nodes.SlotsUsed ? _hand + 1 : 1;
            var node = nodes.AtSlot(_hand);
            if (node is null || node.Kind == FileKind.Directory || Volatile.Read(ref node.Opens) > 0)
            {
                continue;
            }

            var (parent, name) = nodes.PlaceOf(node);
            if (parent is not null && !connection.InvalidateEntry(parent.Id, EntryName.ToBytes(name)))
            {
                break; // The bounded queue is full: the next round goes on from here.
            }

            asked++;
        }

        counters.TrimmedNames.Add(asked);
    }
}
