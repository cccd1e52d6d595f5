using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>One open of a file version: the shared file, and this reader's own readahead.</summary>
internal sealed partial class FileReader : IFileReader
{
    private readonly SharedFile _file;
    private readonly ReadServices _services;
    private readonly Readahead _readahead;
    private int _disposed;

    public FileReader(SharedFile file, int blockSizeBytes, ReadServices services)
    {
        _file = file;
        _services = services;
        _readahead = new Readahead(
            services.Readahead, services.Options.MaxReadaheadBytes, Math.Max(blockSizeBytes, BlockLayout.MinBlockSizeBytes),
            file.LengthBytes);
    }

    /// <inheritdoc/>
    public long LengthBytes => _file.LengthBytes;

    /// <inheritdoc/>
    public int CachedPercent => _file.CachedPercent;

    /// <summary>The shared file, for loading and statistics.</summary>
    public SharedFile File => _file;

    /// <inheritdoc/>
    public bool TryRead(long offsetBytes, Span<byte> destination, out int bytesRead)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        bytesRead = 0;
        if (offsetBytes >= LengthBytes || destination.IsEmpty)
        {
            return true;
        }

        var bytes = (int)Math.Min(destination.Length, LengthBytes - offsetBytes);
        if (!_file.TryRead(offsetBytes, destination[..bytes]))
        {
            return false;
        }

        _readahead.OnWarmRead(offsetBytes + bytes);
        bytesRead = bytes;
        return true;
    }

    /// <inheritdoc/>
    public ValueTask<FileReadOutcome> ReadAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return TryRead(offsetBytes, destination.Span, out var bytes)
            ? new(new FileReadOutcome(ReadStatus.Ok, bytes))
            : FetchAsync(offsetBytes, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _readahead.Dispose();
            _services.Leases.Release(_file);
        }
    }

    private async ValueTask<FileReadOutcome> FetchAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var bytes = (int)Math.Min(destination.Length, LengthBytes - offsetBytes);
        Debug.Assert(bytes > 0, "reads beyond the end are answered warm");
        var plan = _readahead.OnMiss(offsetBytes, bytes);
        if (plan.PrefetchLength > 0)
        {
            // Beside the demanded range, not before it.
            _ = PrefetchAsync(plan, cancellationToken);
        }

        var (status, waited) = await _file.FetchAsync(offsetBytes, destination[..bytes], plan.EnsureEnd, cancellationToken)
            .ConfigureAwait(false);
        if (waited)
        {
            _readahead.OnWaited();
        }

        return new FileReadOutcome(status, status == ReadStatus.Ok ? bytes : 0);
    }

    private async Task PrefetchAsync(Readahead.Plan plan, CancellationToken cancellationToken)
    {
        try
        {
            await _file.PrefetchAsync(plan.PrefetchFrom, plan.PrefetchLength, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or ObjectDisposedException)
        {
            LogNoPrefetch(_services.Logger, _file.Key, error.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Key}: no readahead: {Error}")]
    private static partial void LogNoPrefetch(ILogger logger, FileKey key, string error);
}
