using OrleansCache.Files;
using OrleansCache.Grains.Listings;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// The order of questions and syncs on this silo: what <c>ocache sync</c> leaves behind is a number, and what was asked before it
/// counts no more. Thread-safe.
/// </summary>
internal sealed class SyncFloors(TimeProvider time)
{
    /// <summary>Places of one source remembered one by one; past it they become one for the whole source.</summary>
    public const int MaxPlaces = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<SourceId, Dictionary<string, long>> _floors = [];
    private long _number;
    private volatile bool _hasUnstored;

    /// <summary>
    /// The number of a listing from the listing store, to be taken before it is read. Its time is compared with the floor stored
    /// beside it, so it comes after all syncs until now, unless one of them could not be stored.
    /// </summary>
    public long NumberOfStored => _hasUnstored ? 0 : Interlocked.Increment(ref _number);

    /// <summary>The moment before a question.</summary>
    public Moment Now()
    {
        var number = Interlocked.Increment(ref _number);
        return new Moment(time.GetTimestamp(), number);
    }

    /// <summary>What was known before now at a path, below it and of its name counts no more.</summary>
    /// <param name="source">The source.</param>
    /// <param name="path">Path inside it.</param>
    /// <param name="isStored">Whether the listing store knows already.</param>
    public void Raise(SourceId source, string path, bool isStored)
    {
        lock (_gate)
        {
            _hasUnstored |= !isStored;
            if (!_floors.TryGetValue(source, out var places) || path.Length == 0)
            {
                _floors[source] = places = new Dictionary<string, long>(StringComparer.Ordinal);
            }

            if (places.Count >= MaxPlaces && !places.ContainsKey(path))
            {
                places.Clear();
                path = "";
            }

            places[path] = Interlocked.Increment(ref _number);
        }
    }

    /// <summary>Number up to which nothing known of a directory's names counts.</summary>
    public long Of(SourceId source, string directoryPath)
    {
        lock (_gate)
        {
            var floor = 0L;
            if (_floors.TryGetValue(source, out var places))
            {
                foreach (var (path, raised) in places)
                {
                    if (raised > floor && (PathInSource.IsWithin(directoryPath, path) || IsParent(directoryPath, path)))
                    {
                        floor = raised;
                    }
                }
            }

            return floor;
        }
    }

    private static bool IsParent(string directory, string path) =>
        path.AsSpan(0, Math.Max(0, path.LastIndexOf('/'))).SequenceEqual(directory);
}
