using System.Collections.Immutable;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// The changes of one source. A subscriber that has seen everything waits in its call for the next publication; all waiters share
/// one signal. What is remembered: <see cref="ChangeRing"/>.
/// </summary>
[GrainType("changefeed"), CollectionAgeLimit(Minutes = 5)]
internal sealed class ChangeFeedGrain(TimeProvider time) : Grain, IChangeFeedGrain
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(IChangeFeedGrain.LongestWaitSeconds);
    private readonly ChangeRing _ring = new(time.GetUtcNow().Ticks);
    private TaskCompletionSource _published = NewSignal();

    public async ValueTask<ChangeBatch> Next(long after, CancellationToken cancellationToken)
    {
        after = after == 0 ? _ring.Last : after;
        var began = time.GetTimestamp();
        while (true)
        {
            var batch = _ring.After(after);
            var left = LongestWait - time.GetElapsedTime(began);
            if (batch.IsGap || !batch.Changes.IsEmpty || left <= TimeSpan.Zero)
            {
                return batch;
            }

            await ((Task)_published.Task.WaitAsync(left, time, cancellationToken)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public ValueTask Publish(ImmutableArray<PathChange> changes, CancellationToken cancellationToken)
    {
        foreach (var change in changes)
        {
            _ring.Add(change);
        }

        var published = _published;
        _published = NewSignal();
        published.SetResult();
        return ValueTask.CompletedTask;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
