using OrleansCache.Silo.Telemetry;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// Stands between an under storage and whoever takes its pieces: counts bytes as they arrive, gives up a store that sends
/// nothing for a while or trickles without end, and sees that no more comes than was asked for. One thread at a time, but
/// for the token.
/// </summary>
internal sealed class ArrivalWatch : IPieceSink, IDisposable
{
    private readonly IPieceSink _sink;
    private readonly long _lengthBytes;
    private readonly SourceCounters _counters;
    private readonly TimeSpan _silence;
    private readonly long _started;
    private readonly TimeSpan _total;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _both;

    public ArrivalWatch(
        IPieceSink sink, long lengthBytes, SourceCounters counters, FillOptions options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        _sink = sink;
        _lengthBytes = lengthBytes;
        _counters = counters;
        _silence = options.UnderStorageTimeout;
        _total = options.FillTimeout > _silence ? options.FillTimeout : _silence;
        _time = time;
        _started = time.GetTimestamp();
        _deadline = new CancellationTokenSource(_silence, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_deadline.Token, cancellationToken);
    }

    /// <summary>Ends with either deadline or the caller.</summary>
    public CancellationToken Token => _both.Token;

    /// <summary>Bytes taken so far.</summary>
    public long ArrivedBytes { get; private set; }

    /// <summary>The sink wants no more: what it has is its own business.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>More arrived than the range has.</summary>
    public bool IsOverrun { get; private set; }

    /// <summary>Every byte asked for has come, and none more.</summary>
    public bool IsWhole => ArrivedBytes == _lengthBytes && !IsOverrun;

    /// <inheritdoc/>
    public bool Accept(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > _lengthBytes - ArrivedBytes)
        {
            IsOverrun = true;
            return false;
        }

        if (piece.IsEmpty)
        {
            return !_both.IsCancellationRequested; // No byte, no progress.
        }

        ArrivedBytes += piece.Length;
        var left = _total - _time.GetElapsedTime(_started);
        _deadline.CancelAfter(left <= TimeSpan.Zero ? TimeSpan.Zero : left < _silence ? left : _silence);
        _counters.AddUnderStorageBytes(piece.Length);
        IsRefused = !_sink.Accept(piece);
        return !IsRefused && !_both.IsCancellationRequested;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _both.Dispose();
        _deadline.Dispose();
    }
}
