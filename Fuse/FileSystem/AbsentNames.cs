namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// The names the kernel was last told are absent, so that it can be told otherwise: unlike the present ones they are no nodes.
/// Bounded: the oldest go first, and what is forgotten here ends with its lease. Thread-safe.
/// </summary>
internal sealed class AbsentNames(int capacity)
{
    private readonly Lock _lock = new();
    private readonly (FileNode Directory, string Name, long Expiry)[] _ring = new (FileNode, string, long)[capacity];
    private long _added;

    /// <summary>The kernel is about to hear that a name is absent.</summary>
    public void Add(FileNode directory, string name, long expiry)
    {
        lock (_lock)
        {
            _ring[_added++ % _ring.Length] = (directory, name, expiry);
        }
    }

    /// <summary>Those that are still absent to the kernel.</summary>
    public List<(FileNode Directory, string Name)> Live(LeaseClock clock)
    {
        var live = new List<(FileNode, string)>();
        lock (_lock)
        {
            for (var at = 0; at < Math.Min(_added, _ring.Length); at++)
            {
                ref var one = ref _ring[at];
                if (clock.IsLive(one.Expiry))
                {
                    live.Add((one.Directory, one.Name));
                }
            }
        }

        return live;
    }
}
