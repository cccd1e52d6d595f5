using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>A snapshot of what a mount has done and holds.</summary>
/// <param name="Requests">Requests by opcode, with times.</param>
/// <param name="WarmReads">READs answered at once.</param>
/// <param name="WaitingReads">READs that had to wait for data.</param>
/// <param name="FailedReads">READs that ended with an error.</param>
/// <param name="ReadBytes">Bytes given to the kernel.</param>
/// <param name="StaleOpens">Opens sent back because the version was not the current one.</param>
/// <param name="UnlistableNames">Names left out of listings because no Linux directory can hold them.</param>
/// <param name="TrimmedNames">Names the kernel was asked to forget to keep the node table small.</param>
/// <param name="ExpiredNames">Names the kernel was told to look up again before their leases ended.</param>
/// <param name="Nodes">Nodes the kernel knows now.</param>
/// <param name="OpenFiles">Open files now.</param>
/// <param name="OpenDirectories">Open directories now.</param>
/// <param name="ReadsInFlight">Reads that wait for data now.</param>
/// <param name="ReadsQueued">Reads that wait for their turn now.</param>
internal sealed record MountStatistics(
    FuseStatistics Requests,
    long WarmReads,
    long WaitingReads,
    long FailedReads,
    long ReadBytes,
    long StaleOpens,
    long UnlistableNames,
    long TrimmedNames,
    long ExpiredNames,
    int Nodes,
    int OpenFiles,
    int OpenDirectories,
    int ReadsInFlight,
    int ReadsQueued);
