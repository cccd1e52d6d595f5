using OrleansCache.Files;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// Flights that wait, in turn by file: a reader with a hundred blocks ahead does not keep another one's file waiting for all of
/// them. The blocks of one file keep their order. Not thread-safe: the board's lock guards it.
/// </summary>
internal sealed class FlightQueue
{
    private readonly Dictionary<FileKey, Queue<BlockFlight>> _files = [];
    private readonly Queue<Queue<BlockFlight>> _turns = [];

    /// <summary>Flights in it, those that wait in another queue by now included.</summary>
    public int Count { get; private set; }

    /// <summary>At the end of its file's line; a file that has none waiting gets its turn last.</summary>
    public void Enqueue(BlockFlight flight)
    {
        if (!_files.TryGetValue(flight.Capability.Key, out var line))
        {
            line = [];
            _files.Add(flight.Capability.Key, line);
            _turns.Enqueue(line);
        }

        line.Enqueue(flight);
        Count++;
    }

    /// <summary>The next flight of the file whose turn it is.</summary>
    public bool TryDequeue(out BlockFlight? flight)
    {
        flight = null;
        if (!_turns.TryDequeue(out var line))
        {
            return false;
        }

        flight = line.Dequeue();
        Count--;
        if (line.Count > 0)
        {
            _turns.Enqueue(line);
        }
        else
        {
            _files.Remove(flight.Capability.Key);
        }

        return true;
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _files.Clear();
        _turns.Clear();
        Count = 0;
    }
}
