using OrleansCache.Metadata;

namespace OrleansCache;

/// <summary>Calls that change something.</summary>
public sealed partial class CacheClient
{
    // Sent once: whether it was done is unknown when no answer comes.
    private async Task<T> CallOnceAsync<T>(
        string what, string whereToLook, Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        var started = _options.TimeProvider.GetTimestamp();
        using var timeout = new CancellationTokenSource(_options.ChangeTimeout, _options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await call(both.Token).AsTask().WaitAsync(both.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new CacheTimeoutException(
                $"{what}: no answer within {_options.ChangeTimeout.TotalSeconds:0.#} s; {whereToLook} shows whether it was done",
                Once());
        }
        catch (Exception error) when (GrainCaller.IsTransient(error))
        {
            throw new ClusterUnreachableException($"{what}: {error.Message.TrimEnd('.')}", Once(), error);
        }

        Effort Once() => new(1, _options.TimeProvider.GetElapsedTime(started));
    }
}
