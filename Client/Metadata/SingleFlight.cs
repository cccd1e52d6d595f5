namespace OrleansCache.Metadata;

/// <summary>Of many who ask the same at the same time, one does. Bounded by the number of callers.</summary>
internal sealed class SingleFlight<TKey, TResult>
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Task<TResult>> _flights = [];

    /// <summary>
    /// Starts, or joins a flight that began earlier: a joiner who needs an answer newer than its question must not use it.
    /// </summary>
    public Task<TResult> Run(TKey key, Func<Task<TResult>> start, out bool joined)
    {
        var result = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_flights.TryGetValue(key, out var flight))
            {
                joined = true;
                return flight;
            }

            _flights.Add(key, result.Task);
        }

        joined = false;
        _ = FlyAsync(key, start, result);
        return result.Task;
    }

    private async Task FlyAsync(TKey key, Func<Task<TResult>> start, TaskCompletionSource<TResult> result)
    {
        try
        {
            var value = await start().ConfigureAwait(false);
            Land(key);
            result.SetResult(value);
        }
        catch (Exception error)
        {
            Land(key);
            result.SetException(error);
            // Everybody who waited may have been cancelled: an error nobody awaits is not an accident.
            _ = result.Task.Exception;
        }
    }

    private void Land(TKey key)
    {
        lock (_gate)
        {
            _flights.Remove(key);
        }
    }
}
