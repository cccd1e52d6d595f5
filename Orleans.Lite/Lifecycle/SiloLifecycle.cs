namespace Orleans.Runtime;

/// <summary>Starts what subscribed stage by stage upward, stops it downward. Observers of one stage run together. A
/// failing start stops what had started and is thrown on; a failing stop is logged and the rest still stops.</summary>
internal sealed partial class SiloLifecycle(ILogger<SiloLifecycle> logger) : ISiloLifecycle
{
    private readonly ConcurrentDictionary<Subscription, bool> _subscriptions = new();
    private int _highest = int.MinValue;

    public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
    {
        var subscription = new Subscription(this, observerName, stage, observer);
        _subscriptions[subscription] = true;
        return subscription;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var stage in _subscriptions.Keys.GroupBy(each => each.Stage).OrderBy(group => group.Key))
        {
            _highest = stage.Key;
            try
            {
                await Task.WhenAll(stage.Select(each => each.Observer.OnStart(cancellationToken)));
            }
            catch (Exception exception)
            {
                LogFailed(logger, exception, "Starting", stage.Key, string.Join(", ", stage.Select(each => each.Name)));
                await StopAsync(CancellationToken.None);
                throw;
            }
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var stages = _subscriptions.Keys.Where(each => each.Stage <= _highest).GroupBy(each => each.Stage);
        foreach (var stage in stages.OrderByDescending(group => group.Key))
        {
            try
            {
                await Task.WhenAll(stage.Select(each => each.Observer.OnStop(cancellationToken)));
            }
            catch (Exception exception)
            {
                LogFailed(logger, exception, "Stopping", stage.Key, string.Join(", ", stage.Select(each => each.Name)));
            }
        }

        _highest = int.MinValue;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{What} failed at stage {Stage} ({Observers}); the rest stops")]
    private static partial void LogFailed(
        ILogger logger, Exception exception, string what, int stage, string observers);

    private sealed class Subscription(SiloLifecycle owner, string name, int stage, ILifecycleObserver observer)
        : IDisposable
    {
        public string Name => name;
        public int Stage => stage;
        public ILifecycleObserver Observer => observer;
        public void Dispose() => owner._subscriptions.TryRemove(this, out _);
    }
}
