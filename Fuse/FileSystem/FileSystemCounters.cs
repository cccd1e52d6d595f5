namespace OrleansCache.Fuse.FileSystem;

/// <summary>What the file system counts beside the session's requests by opcode.</summary>
internal sealed class FileSystemCounters
{
    /// <summary>READs answered at once, without waiting.</summary>
    public StripedCounter WarmReads { get; } = new();

    /// <summary>READs that had to wait for data.</summary>
    public StripedCounter WaitingReads { get; } = new();

    /// <summary>READs answered with an error, the deadline's included.</summary>
    public StripedCounter FailedReads { get; } = new();

    /// <summary>Bytes given to the kernel.</summary>
    public StripedCounter ReadBytes { get; } = new();

    /// <summary>Opens refused because the node's version is not the current one any more.</summary>
    public StripedCounter StaleOpens { get; } = new();

    /// <summary>Names that no Linux directory can hold, left out of listings.</summary>
    public StripedCounter UnlistableNames { get; } = new();

    /// <summary>Names the kernel was asked to forget because it knew too many.</summary>
    public StripedCounter TrimmedNames { get; } = new();

    /// <summary>Names the kernel was told to look up again because the silo said that something changed.</summary>
    public StripedCounter ExpiredNames { get; } = new();
}
