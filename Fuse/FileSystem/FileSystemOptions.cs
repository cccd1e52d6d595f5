namespace OrleansCache.Fuse.FileSystem;

/// <summary>Limits of one mounted file system.</summary>
internal sealed class FileSystemOptions
{
    /// <summary>
    /// How long a program may wait for one answer, then EIO. A minute: longer than a silo's restart, shorter than a
    /// person's patience.
    /// </summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Reads that wait for data at one time; 256 keeps a source with 50 ms latency at 5,000 reads/s.</summary>
    public int ReadsInFlightMax { get; init; } = 256;

    /// <summary>Buffers those reads hold: 64 reads of 1 MiB, an eighth of the process's default budget.</summary>
    public long ReadBytesInFlightMax { get; init; } = 64L << 20;

    /// <summary>
    /// Open files at one time (and as many open directories); the kernel's clients rarely have 20,000 each.
    /// </summary>
    public int HandlesMax { get; init; } = 1 << 17;

    /// <summary>
    /// Nodes above which the kernel is asked to forget files nobody has open. At under 300 bytes each, 400,000 nodes
    /// are 120 MB, under a quarter of the default budget.
    /// </summary>
    public int NodesSoftMax { get; init; } = 400_000;

    /// <summary>
    /// Absent names that can be taken back before their leases end: an interpreter looks for some thousands at its start. A megabyte.
    /// </summary>
    public int AbsentNamesMax { get; init; } = 16_384;

    /// <summary>Nodes above which a lookup fails: only a kernel that does not forget gets here.</summary>
    public int NodesMax { get; init; } = 4_000_000;
}
