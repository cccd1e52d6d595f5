using OrleansCache.Files;
using OrleansCache.Silo.Telemetry;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// The one door to the under storages: every read has a deadline, is counted at its source, and ends in a status that a
/// reader can act on. Thread-safe.
/// </summary>
internal sealed partial class UnderStorageReader(
    IUnderStorageCatalog catalog, SourceStatistics statistics, FillOptions options, TimeProvider time,
    ILogger<UnderStorageReader> logger)
{
    /// <summary>
    /// Reads a range of the capability's version. Ok: the destination is wholly that version's. StaleVersion: the version is
    /// gone there. AccessDenied, Unavailable: as they say. Cancellation ends it with an <see cref="OperationCanceledException"/>.
    /// </summary>
    public async ValueTask<ReadStatus> ReadAsync(
        ReadCapability capability, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.UnderStorageTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var counters = statistics.Of(capability.Source);
        try
        {
            var storage = await catalog.FindAsync(capability.Source, both.Token);
            if (storage is null)
            {
                LogDetached(capability.Source, capability.Path);
                return ReadStatus.StaleVersion;
            }

            counters.AddUnderStorageRead();
            var status = await storage.ReadAsync(
                capability.Path, capability.File, capability.Version, offsetBytes, destination, both.Token);
            if (status == ReadStatus.Ok)
            {
                counters.AddUnderStorageBytes(destination.Length);
                return ReadStatus.Ok;
            }

            LogFailed(capability.Source, capability.Path, offsetBytes, destination.Length, status);
            return ForReader(status);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogTimedOut(capability.Source, capability.Path, offsetBytes, destination.Length, options.UnderStorageTimeout);
            return ReadStatus.Unavailable;
        }
        catch (CacheRequestException exception)
        {
            LogCannotOpen(capability.Source, capability.Path, exception.Message);
            return exception.Error == RequestError.AccessDenied ? ReadStatus.AccessDenied : ReadStatus.Unavailable;
        }
    }

    /// <summary>
    /// A name that is gone or is another kind of thing now means for a reader of a version that the version is gone: the
    /// file is to be looked up again. A deadline of ours is not the reader's.
    /// </summary>
    private static ReadStatus ForReader(ReadStatus status) => status switch
    {
        ReadStatus.StaleVersion or ReadStatus.NotFound or ReadStatus.NotADirectory or ReadStatus.IsADirectory =>
            ReadStatus.StaleVersion,
        ReadStatus.AccessDenied => ReadStatus.AccessDenied,
        ReadStatus.InvalidRequest => ReadStatus.InvalidRequest,
        _ => ReadStatus.Unavailable,
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "Source {Source} of {Path} is no longer attached")]
    private partial void LogDetached(SourceId source, string path);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Under storage {Source} refused {Path} at {OffsetBytes}+{LengthBytes}: {Status}")]
    private partial void LogFailed(SourceId source, string path, long offsetBytes, int lengthBytes, ReadStatus status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Under storage {Source} did not give {Path} at {OffsetBytes}+{LengthBytes} within {Timeout}")]
    private partial void LogTimedOut(SourceId source, string path, long offsetBytes, int lengthBytes, TimeSpan timeout);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Source {Source} of {Path} cannot be opened: {Reason}")]
    private partial void LogCannotOpen(SourceId source, string path, string reason);
}
