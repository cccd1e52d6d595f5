using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>
/// Hears of the changes of each source that something is leased of: one call at a time that waits at the source's
/// <see cref="IChangeFeedGrain"/>, begun with the first lease, ended when none has lived for a minute. A feed that fails is asked
/// again, ever more slowly; meanwhile leases end as they promised. Thread-safe.
/// </summary>
internal sealed partial class ChangeFeed(
    IGrainFactory grains, Action<SourceInfo, ChangeBatch> apply, TimeProvider time, Random random, ILogger logger) : IAsyncDisposable
{
    /// <summary>More than can be attached at a time.</summary>
    private const int MaxSources = 256;

    /// <summary>How long a source may be left alone before its feed ends: a program that looks every half minute keeps it.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(60);

    /// <summary>A call that should wait <see cref="IChangeFeedGrain.LongestWaitSeconds"/> is lost after this long.</summary>
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(IChangeFeedGrain.LongestWaitSeconds + 7);

    /// <summary>Between two calls: changes that come faster come together.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<SourceId, Subscription> _subscriptions = [];
    private readonly CancellationTokenSource _closing = new();
    private bool _closed;

    /// <summary>Sources listened to, for tests and metrics.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _subscriptions.Count;
            }
        }
    }

    /// <summary>Something of the source is asked for or leased.</summary>
    public void Touch(SourceInfo source, Lease lease)
    {
        lock (_gate)
        {
            if (!_subscriptions.TryGetValue(source.Id, out var subscription))
            {
                if (_closed || _subscriptions.Count >= MaxSources)
                {
                    return;
                }

                subscription = new Subscription(source);
                _subscriptions.Add(source.Id, subscription);
                subscription.Running = Task.Run(() => ListenAsync(subscription, _closing.Token));
            }

            subscription.Source = source;
            subscription.LeasedUntil = Math.Max(subscription.LeasedUntil, Math.Max(lease.EndsAt, time.GetTimestamp()));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            running = [.. _subscriptions.Values.Select(one => one.Running)];
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task ListenAsync(Subscription subscription, CancellationToken closing)
    {
        var (last, failures) = (0L, 0);
        try
        {
            while (IsWanted(subscription))
            {
                var asked = time.GetTimestamp();
                if (await TryNextAsync(subscription, last, failures, closing).ConfigureAwait(false) is not { } batch)
                {
                    await PauseAsync(failures++, closing).ConfigureAwait(false);
                    continue;
                }

                // Before the first answer nobody there knew us: what failed then may have missed something.
                var hasMissed = last == 0 && failures > 0;
                (last, failures) = (batch.Last, 0);
                apply(subscription.Source, hasMissed ? batch with { IsGap = true } : batch);
                var isIdle = !batch.IsGap && batch.Changes.IsDefaultOrEmpty && time.GetElapsedTime(asked) < FirstPause;
                await Task.Delay(isIdle ? FirstPause : Breath, time, closing).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            LogEnded(subscription.Source.Path);
        }
    }

    private async Task<ChangeBatch?> TryNextAsync(Subscription subscription, long last, int failures, CancellationToken closing)
    {
        using var timeout = new CancellationTokenSource(CallTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, closing);
        try
        {
            return await grains.GetGrain<IChangeFeedGrain>(subscription.Source.Id.ToString()).Next(last, both.Token)
                .AsTask().WaitAsync(both.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (!closing.IsCancellationRequested)
        {
            if (failures == 0)
            {
                LogFailed(subscription.Source.Path, error.Message);
            }

            return null;
        }
    }

    // Between half and the whole, so that the clients of a silo that comes back do not come together.
    private Task PauseAsync(int failures, CancellationToken closing)
    {
        var pause = FirstPause * (1 << Math.Min(failures, 10));
        return Task.Delay((pause < LongestPause ? pause : LongestPause) * (0.5 + (random.NextDouble() / 2)), time, closing);
    }

    private bool IsWanted(Subscription subscription)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (now < subscription.LeasedUntil || time.GetElapsedTime(subscription.LeasedUntil, now) < Linger)
            {
                return true;
            }

            _subscriptions.Remove(subscription.Source.Id);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Not listening to changes of {Path} any more")]
    private partial void LogEnded(string path);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Changes of {Path} cannot be heard: {Error}. Asking again; until then they are seen when leases end")]
    private partial void LogFailed(string path, string error);

    private sealed class Subscription(SourceInfo source)
    {
        private volatile SourceInfo _source = source;

        public SourceInfo Source
        {
            get => _source;
            set => _source = value;
        }

        public long LeasedUntil { get; set; }

        public Task Running { get; set; } = Task.CompletedTask;
    }
}
