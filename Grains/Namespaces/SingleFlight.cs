namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// Questions under way, by name: who asks the same meanwhile shares the answer. For one activation: calls come in turns, so there
/// is no lock. A flight is not its first caller's: it goes on when that caller leaves.
/// </summary>
internal sealed class SingleFlight<TResult>
{
    private sealed record Flight(Task<TResult> Answer, long Number);

    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);
    private long _started;

    /// <summary>Questions under way.</summary>
    public int Count => _flights.Count;

    /// <summary>Whether somebody asks already.</summary>
    public bool IsUnderWay(string key) => _flights.ContainsKey(key);

    /// <summary>Asks, or joins who asks already.</summary>
    /// <param name="key">What is asked.</param>
    /// <param name="fresh">The answer must come from a question begun after this call.</param>
    /// <param name="ask">The question.</param>
    /// <param name="cancellationToken">Ends this caller's wait.</param>
    public async Task<TResult> RunAsync(
        string key, bool fresh, Func<Task<TResult>> ask, CancellationToken cancellationToken)
    {
        var arrival = _started;
        while (_flights.TryGetValue(key, out var flight))
        {
            if (!fresh || flight.Number > arrival)
            {
                return await flight.Answer.WaitAsync(cancellationToken);
            }

            // Begun before we came, so it may have looked before the change we must see. Whoever wakes first asks again.
            await ((Task)flight.Answer.WaitAsync(cancellationToken)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            cancellationToken.ThrowIfCancellationRequested();
            if (_flights.TryGetValue(key, out var still) && still == flight)
            {
                _flights.Remove(key); // woken before the flight's own clean-up ran
            }
        }

        var started = new Flight(ask(), ++_started);
        _flights[key] = started;
        _ = ForgetAsync(key, started);
        return await started.Answer.WaitAsync(cancellationToken);
    }

    private async Task ForgetAsync(string key, Flight flight)
    {
        await ((Task)flight.Answer).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (_flights.TryGetValue(key, out var current) && current == flight)
        {
            _flights.Remove(key);
        }
    }
}
