using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// A client's connection to one silo's block server: pipelined, thread-safe. Every request has the deadline of its token and,
/// failing that, of the connection's options. A broken connection ends its requests with Unavailable; the pool makes a new one.
/// A token that ends a request throws <see cref="OperationCanceledException"/>; the connection's own deadline is the status
/// DeadlineExceeded. After either, and after every other end, the caller's buffer is not touched any more.
/// </summary>
public interface IBlockConnection : IAsyncDisposable
{
    /// <summary>Whether descriptors can be passed: a Unix socket.</summary>
    bool PassesDescriptors { get; }

    /// <summary>Whether requests can still be sent.</summary>
    bool IsOpen { get; }

    /// <summary>The highest epoch of its cache group that the server has named in an answer; 0 = none yet.</summary>
    ulong RingEpoch { get; }

    /// <summary>Tells the server what may be read.</summary>
    ValueTask<ReadStatus> PresentAsync(ReadCapability capability, CancellationToken cancellationToken);

    /// <summary>Takes a residency lease. NotSupported over TCP.</summary>
    ValueTask<LeaseOutcome> LeaseAsync(FileKey key, CancellationToken cancellationToken);

    /// <summary>Makes the start of a range resident on the server.</summary>
    ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken);

    /// <summary>Reads a range into the caller's buffer; Ok means filled wholly.</summary>
    ValueTask<ReadOutcome> ReadAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Most bytes of one batch; 0 = the server answers none.</summary>
    int MaxBatchBytes { get; }

    /// <summary>
    /// Reads many ranges, one after the other, each into its caller's buffer, in one request. Ok: every range has its own answer; else
    /// those without one did not get theirs. NotSupported when <see cref="MaxBatchBytes"/> is 0. Not more than a few batches are on
    /// their way at a time, the next ones wait: so much this end may be sent, and so much it has room for.
    /// </summary>
    /// <param name="reads">1 to 64 ranges; their answers are written here. Untouched, as the buffers, after the call has ended.</param>
    /// <param name="cancellationToken">Gives the rest up.</param>
    /// <exception cref="ArgumentException">Too many ranges or bytes, an empty range, or capabilities too long for one frame.</exception>
    ValueTask<ReadOutcome> ReadBatchAsync(Memory<BatchRead> reads, CancellationToken cancellationToken);

    /// <summary>Asks for a range ahead of need; completes when the request is sent.</summary>
    ValueTask<ReadStatus> PrefetchAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken);

    /// <summary>Reports reads the server could not see; completes when sent. At most 256 at a time.</summary>
    ValueTask<ReadStatus> ReportAsync(ReadOnlyMemory<UsageReport> reports, CancellationToken cancellationToken);

    /// <summary>The silo's status as UTF-8 JSON.</summary>
    ValueTask<StatusOutcome> GetStatusAsync(CancellationToken cancellationToken);
}
