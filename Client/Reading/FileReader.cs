using System.Diagnostics;
using System.Runtime.CompilerServices;
using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>One open of a file version. All it has of its own is the right to close once; the rest is the shared file's.</summary>
internal sealed class FileReader(SharedFile file, ReadServices services) : IFileReader
{
    private readonly SharedFile _file = file;
    private int _disposed;

    /// <inheritdoc/>
    public long LengthBytes => _file.LengthBytes;

    /// <inheritdoc/>
    public ValueTask<int> GetCachedPercentAsync(CancellationToken cancellationToken) =>
        _file.KnownPercent == 100 ? new(100) : AskCachedPercentAsync(cancellationToken);

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
            services.Leases.Release(_file);
        }
    }

    /// <summary>Reads that the data plane carried are not known here, so the silo is asked.</summary>
    private async ValueTask<int> AskCachedPercentAsync(CancellationToken cancellationToken)
    {
        var residency = await _file.GetResidencyAsync(cancellationToken).ConfigureAwait(false);
        return Math.Max(_file.KnownPercent, residency.CachedPercent ?? 0);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FileReadOutcome> FetchAsync(
        long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var bytes = (int)Math.Min(destination.Length, LengthBytes - offsetBytes);
        Debug.Assert(bytes > 0, "reads beyond the end are answered warm");
        var (status, effort) = await _file.FetchAsync(offsetBytes, destination[..bytes], cancellationToken).ConfigureAwait(false);
        return new FileReadOutcome(status, status == ReadStatus.Ok ? bytes : 0) { Effort = effort };
    }
}
