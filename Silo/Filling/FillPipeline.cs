using System.Diagnostics;
using OrleansCache.Blocks;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.UnderStorage;
using StoreFillRequest = OrleansCache.BlockStore.FillRequest;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// Brings missing blocks from the under storage into the block store: once per block whoever asks, demanded blocks before
/// prefetched ones, in pieces that readers may use as they arrive. A fill that has begun goes on to its end whether or not
/// its readers wait: deadlines end waiters, not fills. Nothing that is not proven to be the version asked for is written.
/// </summary>
internal sealed partial class FillPipeline : IAsyncDisposable
{
    private readonly IBlockStore _store;
    private readonly UnderStorageReader _reader;
    private readonly GrantCache _grants;
    private readonly FillOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<FillPipeline> _logger;
    private readonly PieceBuffers _buffers;
    private readonly FlightBoard _board;
    private readonly SemaphoreSlim _readThroughs;
    private readonly CancellationTokenSource _stop = new();
    private long _failedFills;
    private long _refusedPrefetches;
    private long _refusedDemands;
    private long _readThroughCount;
    private long _bypassStoreUntil = long.MinValue;

    public FillPipeline(
        IBlockStore store, UnderStorageReader reader, GrantCache grants, FillOptions options, TimeProvider time,
        ILogger<FillPipeline> logger)
    {
        _store = store;
        _reader = reader;
        _grants = grants;
        _options = options;
        _time = time;
        _logger = logger;
        _buffers = new PieceBuffers(options.PieceBytes);
        _board = new FlightBoard(options, flight => ThreadPool.UnsafeQueueUserWorkItem(
            static state => _ = state.Pipeline.RunAsync(state.Flight), (Pipeline: this, Flight: flight), preferLocal: false));
        _readThroughs = new SemaphoreSlim(options.ConcurrentReadThroughs);
    }

    /// <summary>Blocks on their way.</summary>
    public int Flights => _board.Count;

    /// <summary>Prefetches that wait for their turn.</summary>
    public int QueuedPrefetches => _board.QueuedPrefetches;

    /// <summary>Fills that ended without a block.</summary>
    public long FailedFills => Interlocked.Read(ref _failedFills);

    /// <summary>Prefetches that were dropped because the queue was full.</summary>
    public long RefusedPrefetches => Interlocked.Read(ref _refusedPrefetches);

    /// <summary>Demands refused because of too many blocks on their way.</summary>
    public long RefusedDemands => Interlocked.Read(ref _refusedDemands);

    /// <summary>Reads that were not cached.</summary>
    public long ReadThroughs => Interlocked.Read(ref _readThroughCount);

    /// <summary>
    /// Waits until bytes of a block have arrived, filling the block if nobody does: those asked for, or the first of them up to a
    /// multiple of <see cref="FillOptions.ReleaseBytes"/>. Cancellation ends the wait with DeadlineExceeded; the fill goes on.
    /// </summary>
    public async ValueTask<Arrival> ArriveAsync(
        ReadCapability capability, int blockIndex, int offsetInBlockBytes, long wantedBytes, CancellationToken cancellationToken)
    {
        var flight = IsStoreBypassed ? _board.Find(new BlockId(capability.Key, blockIndex)) : _board.Demand(capability, blockIndex);
        if (flight is null)
        {
            Interlocked.Increment(ref _refusedDemands);
            return new Arrival(ReadStatus.Unavailable, 0, 0, false);
        }

        try
        {
            await flight.WaitUnderWayAsync(cancellationToken);
            if (flight.Progress is not { } progress)
            {
                var ended = flight.OutcomeOf(FillFailure.None);
                var length = capability.Layout.LengthOf(blockIndex, capability.Version.LengthBytes);
                return new Arrival(ended, ended == ReadStatus.Ok ? length - offsetInBlockBytes : 0, 0, flight.WasResident);
            }

            var release = ((long)(offsetInBlockBytes / _options.ReleaseBytes) + 1) * _options.ReleaseBytes;
            var upTo = Math.Min(Math.Min(release, offsetInBlockBytes + wantedBytes), progress.BlockLengthBytes);
            var failure = await progress.WaitArrivedAsync((int)upTo, cancellationToken);
            return failure == FillFailure.None
                ? new Arrival(
                    ReadStatus.Ok, Math.Max(1, progress.ArrivedBytes - offsetInBlockBytes), progress.Generation, false)
                : new Arrival(flight.OutcomeOf(failure), 0, 0, false);
        }
        catch (OperationCanceledException)
        {
            return new Arrival(ReadStatus.DeadlineExceeded, 0, 0, false);
        }
    }

    /// <summary>Fills a block some time soon, or not at all when there is too much to do.</summary>
    public bool Prefetch(ReadCapability capability, int blockIndex)
    {
        if (!IsStoreBypassed && _board.Prefetch(capability, blockIndex))
        {
            return true;
        }

        Interlocked.Increment(ref _refusedPrefetches);
        return false;
    }

    /// <summary>Pins bytes of a block that is still being filled.</summary>
    public bool TryPinArriving(FileKey key, int blockIndex, int offsetInBlockBytes, int lengthBytes, out ReadPin pin)
    {
        pin = default;
        return _board.Find(new BlockId(key, blockIndex))?.Progress is { } progress
            && progress.TryPinArrived(offsetInBlockBytes, lengthBytes, out pin);
    }

    /// <summary>Reads without caching: all that is left when the store is full or failed.</summary>
    public async ValueTask<ReadStatus> ReadThroughAsync(
        ReadCapability capability, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            await _readThroughs.WaitAsync(cancellationToken);
            try
            {
                Interlocked.Increment(ref _readThroughCount);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
                return await _reader.ReadAsync(capability, offsetBytes, destination, both.Token);
            }
            finally
            {
                _readThroughs.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? ReadStatus.DeadlineExceeded : ReadStatus.Unavailable;
        }
    }

    /// <summary>Stops taking requests, ends what waits and waits for what runs, but not for long.</summary>
    public async ValueTask DisposeAsync()
    {
        var empty = _board.CloseAsync();
        await _stop.CancelAsync();
        try
        {
            await empty.WaitAsync(_options.StopTimeout, _time);
        }
        catch (TimeoutException)
        {
            LogStillRunning(_board.Count, _options.StopTimeout);
        }
    }

    /// <summary>A store that was full a moment ago is not asked again by each reader: that wait would be every reader's.</summary>
    private bool IsStoreBypassed => _time.GetTimestamp() < Volatile.Read(ref _bypassStoreUntil);

    private void BypassStore() => Volatile.Write(
        ref _bypassStoreUntil,
        _time.GetTimestamp() + (long)(_options.BypassFullStoreFor.TotalSeconds * _time.TimestampFrequency));

    /// <summary>The whole life of a flight. Never throws.</summary>
    private async Task RunAsync(BlockFlight flight)
    {
        try
        {
            await FillAsync(flight);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            flight.Decide(ReadStatus.Unavailable);
        }
        catch (Exception exception)
        {
            Interlocked.Increment(ref _failedFills);
            LogBroken(exception, flight.Block, flight.Capability.Path);
        }
        finally
        {
            // First out of the board, then the end: who asks again must not find a flight that has ended.
            _board.Remove(flight);
            flight.End(ReadStatus.Unavailable);
        }
    }

    private async Task FillAsync(BlockFlight flight)
    {
        var capability = flight.Capability;
        var request = new StoreFillRequest(
            capability.Key, capability.Version.LengthBytes, capability.Layout, capability.Source, flight.BlockIndex);
        var attempt = await _store.BeginFillAsync(request, _stop.Token);
        switch (attempt.Status)
        {
            case FillStatus.Started:
                using (var fill = attempt.Fill!)
                {
                    await FetchAsync(flight, fill);
                }

                break;
            case FillStatus.Resident:
                flight.DecideResident();
                break;
            case FillStatus.InFlight:
                // Only this pipeline fills, and it has one flight a block; still, the store's word counts.
                flight.Begin(attempt.Progress!);
                await attempt.Progress!.WaitCompletedAsync(_stop.Token);
                break;
            case FillStatus.Mismatch:
                LogMismatch(flight.Block, capability.Path, capability.Version.LengthBytes, capability.BlockSizeBytes);
                flight.Decide(ReadStatus.InvalidRequest);
                break;
            case FillStatus.Refused:
                flight.Decide(ReadStatus.Unavailable); // Others are not: the store is asked for them still.
                break;
            case FillStatus.Full or FillStatus.Unavailable:
                BypassStore();
                flight.Decide(ReadStatus.Unavailable);
                break;
            default:
                throw new UnreachableException($"unknown fill status {attempt.Status}");
        }
    }

    private async Task FetchAsync(BlockFlight flight, IBlockFill fill)
    {
        flight.Begin(fill.Progress);
        await AwaitGrantAsync(flight);
        var buffer = _buffers.Rent();
        ReadStatus status;
        try
        {
            status = await FetchPiecesAsync(flight, fill, buffer);
        }
        finally
        {
            _buffers.Return(buffer);
        }

        if (status != ReadStatus.Ok)
        {
            Interlocked.Increment(ref _failedFills);
            flight.Decide(status);
            fill.Abort(status == ReadStatus.StaleVersion ? FillFailure.VersionChanged : FillFailure.SourceFailed);
            return;
        }

        _board.BeginCompleting(flight);
        if (!await fill.CompleteAsync(_stop.Token))
        {
            Interlocked.Increment(ref _failedFills);
            LogNotStored(flight.Block, flight.Capability.Path, fill.Progress.Failure);
        }
    }

    /// <summary>
    /// One request for the whole block. The write goes to the page cache, so the socket behind the pieces waits for the disk
    /// only when the kernel throttles all writers.
    /// </summary>
    private async ValueTask<ReadStatus> FetchPiecesAsync(BlockFlight flight, IBlockFill fill, byte[] buffer)
    {
        var progress = fill.Progress;
        var status = await _reader.StreamAsync(
            flight.Capability, progress.BlockOffsetBytes, progress.BlockLengthBytes, buffer, new FillSink(fill), _stop.Token);
        if (status == ReadStatus.Ok && progress.ArrivedBytes < progress.BlockLengthBytes)
        {
            LogNotStored(flight.Block, flight.Capability.Path, progress.Failure);
            return ReadStatus.Unavailable;
        }

        return status;
    }

    /// <summary>
    /// One silo fills a run at a time. When another one has the grant, its lifetime is waited for, once: it is then either
    /// renewed, and we make a second copy, or ours. (Reading from the holder comes with the second silo.)
    /// </summary>
    private async Task AwaitGrantAsync(BlockFlight flight)
    {
        var capability = flight.Capability;
        var blockCount = capability.Layout.CountFor(capability.Version.LengthBytes);
        if (await _grants.AcquireAsync(flight.Block, blockCount, _stop.Token) == GrantOutcome.HeldElsewhere)
        {
            await Task.Delay(_options.GrantTimeout, _time, _stop.Token);
            await _grants.AcquireAsync(flight.Block, blockCount, _stop.Token);
        }
    }

    /// <summary>Pieces go where the fill has got to, and from there to whoever waits.</summary>
    private sealed class FillSink(IBlockFill fill) : IPieceSink
    {
        public bool Accept(ReadOnlySpan<byte> piece) => fill.Write(fill.Progress.ArrivedBytes, piece);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Filling {Block} of {Path} broke")]
    private partial void LogBroken(Exception exception, BlockId block, string path);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Block {Block} of {Path} does not fit what the store knows (length {LengthBytes}, blocks of {BlockSizeBytes})")]
    private partial void LogMismatch(BlockId block, string path, long lengthBytes, int blockSizeBytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Block {Block} of {Path} was read but not stored: {Failure}")]
    private partial void LogNotStored(BlockId block, string path, FillFailure failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} fills did not end within {Timeout}")]
    private partial void LogStillRunning(int count, TimeSpan timeout);
}

/// <summary>How waiting for a byte ended.</summary>
/// <param name="Status">Ok, or why it will not come.</param>
/// <param name="AvailableBytes">Bytes of the block there are from it on.</param>
/// <param name="Generation">The cache file they are in; 0 when the block was there after all: the store knows.</param>
/// <param name="WasResident">The block was there after all.</param>
internal readonly record struct Arrival(ReadStatus Status, int AvailableBytes, long Generation, bool WasResident);
