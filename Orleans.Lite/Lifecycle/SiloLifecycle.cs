using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>
/// Starts what subscribed stage by stage upward, stops it downward. Observers of one stage run together. A failing
/// start
/// stops what had started and is thrown on; a failing stop is logged and the rest still stops.
/// </summary>
internal sealed partial class SiloLifecycle(ILogger<SiloLifecycle> logger) : ISiloLifecycle
{
    private readonly List<Subscription> _subscriptions = [];
    private readonly Lock _gate = new();

    public int HighestCompletedStage { get; private set; } = int.MinValue;

    public int LowestStoppedStage { get; private set; } = int.MaxValue;

    public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
    {
        var subscription = new Subscription(this, observerName, stage, observer);
        lock (_gate)
        {
            _subscriptions.Add(subscription);
        }

        return subscription;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var stage in Snapshot().GroupBy(each => each.Stage).OrderBy(group => group.Key))
        {
            try
            {
                await Task.WhenAll(stage.Select(each => each.Observer.OnStart(cancellationToken)));
                HighestCompletedStage = stage.Key;
            }
            catch (Exception exception)
            {
                LogStartFailed(logger, exception, stage.Key, string.Join(", ", stage.Select(each => each.Name)));
                await StopFromAsync(stage.Key, CancellationToken.None);
                throw;
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        StopFromAsync(HighestCompletedStage, cancellationToken);

    private async Task StopFromAsync(int highest, CancellationToken cancellationToken)
    {
        var stages = Snapshot(
            ).Where(each => each.Stage <= highest).GroupBy(each => each.Stage).OrderByDescending(group => group.Key);
        foreach (var stage in stages)
        {
            try
            {
                await Task.WhenAll(stage.Select(each => each.Observer.OnStop(cancellationToken)));
            }
            catch (Exception exception)
            {
                LogStopFailed(logger, exception, stage.Key, string.Join(", ", stage.Select(each => each.Name)));
            }

            LowestStoppedStage = stage.Key;
        }
    }

    private List<Subscription> Snapshot()
    {
        lock (_gate)
        {
            return [.. _subscriptions];
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Starting failed at stage {Stage} ({Observers})")]
    private static partial void LogStartFailed(ILogger logger, Exception exception, int stage, string observers);

    [LoggerMessage(
        Level = LogLevel.Error, Message = "Stopping failed at stage {Stage} ({Observers}); the rest stops on")]
    private static partial void LogStopFailed(ILogger logger, Exception exception, int stage, string observers);

    private sealed record Subscription(
        SiloLifecycle Owner, string Name, int Stage, ILifecycleObserver Observer) : IDisposable
    {
        public void Dispose()
        {
            lock (Owner._gate)
            {
                Owner._subscriptions.Remove(this);
            }
        }
    }
}
