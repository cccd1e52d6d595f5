using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// What the block server asks of the silo behind it. The server knows frames, sockets and deadlines; the service knows
/// capabilities, the block store and how to fill. Thread-safe; warm calls complete synchronously and allocate nothing.
/// </summary>
public interface IBlockService
{
    /// <summary>The epoch of the silo's view of its cache group, in every answer: clients with an older one ask anew. 0 = none yet.</summary>
    ulong RingEpoch { get; }

    /// <summary>
    /// Learns what a peer may read, after checking the seal. Kept in a bounded table; a FileKey that fell out of it is
    /// answered with <see cref="ReadStatus.CapabilityRequired"/>.
    /// </summary>
    /// <returns>Ok or CapabilityRefused.</returns>
    ReadStatus Present(ReadCapability capability);

    /// <summary>
    /// Makes the start of a range resident, filling what is missing. Completes as soon as at least one byte at
    /// <paramref name="offsetBytes"/> has arrived (cut-through); already resident ranges complete synchronously.
    /// </summary>
    /// <param name="key">A presented key.</param>
    /// <param name="offsetBytes">Start of the range; InvalidRequest when it is at or past the end of the file.</param>
    /// <param name="lengthBytes">Bytes wanted; the range may be cut short at the end of the file.</param>
    /// <param name="cancellationToken">The request's deadline and the peer's cancellation.</param>
    ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken);

    /// <summary>
    /// The rest of a range whose start the same request had to wait for: as <see cref="EnsureAsync"/>, but not another read
    /// for the statistics.
    /// </summary>
    /// <param name="key">A presented key.</param>
    /// <param name="offsetBytes">Start of the rest.</param>
    /// <param name="lengthBytes">Bytes still wanted.</param>
    /// <param name="cancellationToken">The request's deadline and the peer's cancellation.</param>
    ValueTask<ResidencyOutcome> EnsureMoreAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        EnsureAsync(key, offsetBytes, lengthBytes, cancellationToken);

    /// <summary>Starts filling a range in the background; refused silently when the silo is busy with demanded blocks.</summary>
    void Prefetch(FileKey key, long offsetBytes, long lengthBytes);

    /// <summary>A residency lease on the version's cache file, for a peer on the same host.</summary>
    /// <returns>
    /// Ok; CapabilityRequired; NotFound when nothing of the version is cached or on its way; Unavailable when no lease may be given now (read
    /// through the data plane instead); NotSupported when all of it is cached, but packed with other small files: it has no descriptor, and
    /// a read is one answer.
    /// </returns>
    ReadStatus TryLease(FileKey key, out ResidencyLease? lease);

    /// <summary>Pins a resident range for one send. Dispose the pin after the last byte has left.</summary>
    /// <returns>Ok; CapabilityRequired; NotFound when not resident (call <see cref="EnsureAsync"/>).</returns>
    ReadStatus TryPin(FileKey key, long offsetBytes, int lengthBytes, out PinnedRange pin);

    /// <summary>A pinned range could not be read: it is to be checked before anybody is given it again.</summary>
    void OnUnreadable(FileKey key, long offsetBytes, int lengthBytes);

    /// <summary>
    /// Reads through without caching: what is left when the store is full or failed. The destination is filled wholly when Ok.
    /// </summary>
    ValueTask<ReadStatus> ReadThroughAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>What a client read by itself through leased descriptors: the silo cannot see those reads.</summary>
    void Report(UsageReport report);

    /// <summary>The silo's status as UTF-8 JSON (contract: docs/CONTRACT.md, <c>ocache status --json</c>).</summary>
    byte[] GetStatus();
}
