namespace OrleansCache.UnderStorage.S3;

/// <summary>The token of one attempt: ends with the caller, with the source, and when nothing arrives for too long.</summary>
internal sealed class Attempt : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeSpan _patience;
    private readonly CancellationTokenRegistration _caller;
    private readonly CancellationTokenRegistration _closing;

    public Attempt(TimeSpan patience, TimeProvider time, CancellationToken caller, CancellationToken closing)
    {
        _patience = patience;
        _source = new CancellationTokenSource(patience, time);
        _caller = caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
        _closing = closing.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>The token.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Something arrived: the patience begins again.</summary>
    public void Progressed() => _source.CancelAfter(_patience);

    /// <inheritdoc/>
    public void Dispose()
    {
        _caller.Dispose();
        _closing.Dispose();
        _source.Dispose();
    }
}
