using System.Collections.Immutable;
using System.Text;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// The last changes of one source with their numbers. Numbers begin at the clock's ticks, so that those of a ring before a restart
/// are never reached again: fewer than ten million changes a second are published. Pure memory, for one thread at a time.
/// </summary>
/// <param name="firstNumber">Ticks of the clock when the ring was made.</param>
internal sealed class ChangeRing(long firstNumber)
{
    /// <summary>Changes kept: a subscriber that asks every few seconds is behind only when thousands of directories change.</summary>
    public const int MaxChanges = 4096;

    /// <summary>Names kept over all changes: they are what takes memory.</summary>
    public const int MaxNames = 32_768;

    /// <summary>A batch is one grain message of at most 64 KiB.</summary>
    private const int MaxBatchBytes = 40 * 1024;

    private readonly Queue<PathChange> _changes = new();
    private int _names;

    /// <summary>Number of the newest change, or where the ring began.</summary>
    public long Last { get; private set; } = firstNumber;

    /// <summary>Adds a change; the oldest make room.</summary>
    public void Add(PathChange change)
    {
        _changes.Enqueue(change);
        _names += change.Names.Length;
        Last++;
        while (_changes.Count > MaxChanges || (_names > MaxNames && _changes.Count > 1))
        {
            _names -= _changes.Dequeue().Names.Length;
        }
    }

    /// <summary>What came after a number: as much as fits one message. Nothing new is a batch without changes.</summary>
    public ChangeBatch After(long number)
    {
        var oldest = Last - _changes.Count;
        if (number < oldest || number > Last)
        {
            return new ChangeBatch(Last, IsGap: true, []);
        }

        var batch = ImmutableArray.CreateBuilder<PathChange>();
        var bytes = 0;
        foreach (var change in _changes.Skip((int)(number - oldest)))
        {
            bytes += BytesOf(change);
            if (bytes > MaxBatchBytes && batch.Count > 0)
            {
                break;
            }

            batch.Add(change);
        }

        return new ChangeBatch(number + batch.Count, IsGap: false, batch.ToImmutable());
    }

    /// <summary>Length of a change in a message, rounded up.</summary>
    public static int BytesOf(PathChange change)
    {
        var bytes = 32 + Encoding.UTF8.GetByteCount(change.DirectoryPath);
        foreach (var name in change.Names)
        {
            bytes += 4 + Encoding.UTF8.GetByteCount(name);
        }

        return bytes;
    }
}
