using OrleansCache.Files;
using OrleansCache.Silo.Telemetry;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// The one door to the under storages: every request has a deadline, is counted at its source, and ends in a status that a
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
        return await AskAsync(
            capability, offsetBytes, destination.Length,
            async (storage, counters) =>
            {
                var status = await storage.ReadAsync(
                    capability.Path, capability.File, capability.Version, offsetBytes, destination, both.Token);
                counters.AddUnderStorageBytes(status == ReadStatus.Ok ? destination.Length : 0);
                return status;
            },
            both.Token, cancellationToken);
    }

    /// <summary>
    /// Reads a range as one request and gives each piece away as it arrives. Ok: the sink has had every byte, or wanted no more.
    /// After anything else, what it has had is right but not all. Given up when no byte comes for
    /// <see cref="FillOptions.UnderStorageTimeout"/>, or not all within <see cref="FillOptions.FillTimeout"/>.
    /// </summary>
    public async ValueTask<ReadStatus> StreamAsync(
        ReadCapability capability, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken)
    {
        using var watch = new ArrivalWatch(
            sink, lengthBytes, statistics.Of(capability.Source), options, time, cancellationToken);
        return await AskAsync(
            capability, offsetBytes, lengthBytes,
            async (storage, _) =>
            {
                var status = await storage.StreamAsync(
                    capability.Path, capability.File, capability.Version, offsetBytes, lengthBytes,
                    buffer[..Math.Min(buffer.Length, storage.PieceBytesMax)], watch, watch.Token);
                if (status != ReadStatus.Ok || watch.IsRefused || watch.IsWhole)
                {
                    return status;
                }

                watch.Token.ThrowIfCancellationRequested();

                // Against the contract. The bytes that came are proven; a block of them must not be made.
                LogWrongLength(capability.Source, capability.Path, offsetBytes, lengthBytes, watch.ArrivedBytes);
                return ReadStatus.Unavailable;
            },
            watch.Token, cancellationToken);
    }

    private async ValueTask<ReadStatus> AskAsync(
        ReadCapability capability, long offsetBytes, long lengthBytes,
        Func<IUnderStorage, SourceCounters, ValueTask<ReadStatus>> request, CancellationToken deadline,
        CancellationToken cancellationToken)
    {
        var counters = statistics.Of(capability.Source);
        try
        {
            var storage = await catalog.FindAsync(capability.Source, deadline);
            if (storage is null)
            {
                LogDetached(capability.Source, capability.Path);
                return ReadStatus.StaleVersion;
            }

            counters.AddUnderStorageRead();
            var status = await request(storage, counters);
            if (status != ReadStatus.Ok)
            {
                LogFailed(capability.Source, capability.Path, offsetBytes, lengthBytes, status);
                return ForReader(status);
            }

            return ReadStatus.Ok;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogTimedOut(capability.Source, capability.Path, offsetBytes, lengthBytes, options.UnderStorageTimeout);
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
    private partial void LogFailed(SourceId source, string path, long offsetBytes, long lengthBytes, ReadStatus status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Under storage {Source} did not give {Path} at {OffsetBytes}+{LengthBytes}: no progress for {Timeout}, or too slow")]
    private partial void LogTimedOut(SourceId source, string path, long offsetBytes, long lengthBytes, TimeSpan timeout);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Under storage {Source} gave {ArrivedBytes} bytes of {Path} at {OffsetBytes}+{LengthBytes} and called that all")]
    private partial void LogWrongLength(SourceId source, string path, long offsetBytes, long lengthBytes, long arrivedBytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Source {Source} of {Path} cannot be opened: {Reason}")]
    private partial void LogCannotOpen(SourceId source, string path, string reason);
}
