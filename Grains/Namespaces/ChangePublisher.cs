using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Tells a source's subscribers what directories found changed.</summary>
internal interface IChangePublisher
{
    /// <summary>Queues a change and returns at once. Never throws.</summary>
    /// <param name="source">The source.</param>
    /// <param name="directoryPath">The directory inside it.</param>
    /// <param name="names">Names that came, went or changed; empty = any may have.</param>
    void Changed(SourceId source, string directoryPath, IReadOnlyCollection<string> names);

    /// <summary>Tells changes now, before it returns if the feed answers in time. A failure is logged.</summary>
    Task PublishNowAsync(SourceId source, ImmutableArray<PathChange> changes);
}

/// <summary>
/// Gathers changes of a silo's directories and publishes them ten times a second at most: a directory that changes often costs one
/// call for all its names. Past <see cref="MaxPending"/> directories a whole source is told to have changed. Thread-safe.
/// </summary>
internal sealed partial class ChangePublisher(IGrainFactory grains, TimeProvider time, ILogger<ChangePublisher> logger) : IChangePublisher
{
    /// <summary>Directories with changes not yet told.</summary>
    public const int MaxPending = 1024;

    private const int MaxCallBytes = 40 * 1024;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private Dictionary<(SourceId Source, string Path), HashSet<string>?> _pending = [];
    private bool _isPumping;

    /// <inheritdoc/>
    public void Changed(SourceId source, string directoryPath, IReadOnlyCollection<string> names)
    {
        lock (_gate)
        {
            if (_pending.Count >= MaxPending)
            {
                foreach (var key in _pending.Keys.Where(key => key.Source == source).ToList())
                {
                    _pending.Remove(key);
                }

                (directoryPath, names) = (WholeSource, []);
            }

            Add((source, directoryPath), names);
            if (_isPumping)
            {
                return;
            }

            _isPumping = true;
        }

        _ = PumpAsync();
    }

    /// <inheritdoc/>
    public async Task PublishNowAsync(SourceId source, ImmutableArray<PathChange> changes)
    {
        try
        {
            using var deadline = new CancellationTokenSource(CallTimeout, time);
            await grains.GetGrain<IChangeFeedGrain>(source.ToString()).Publish(changes, deadline.Token).AsTask()
                .WaitAsync(CallTimeout, time);
        }
        catch (Exception failure)
        {
            LogNotPublished(source, failure.Message);
        }
    }

    // No directory's path has a slash at its end.
    private const string WholeSource = "/";

    private void Add((SourceId, string) key, IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
        {
            _pending[key] = null;
            return;
        }

        if (!_pending.TryGetValue(key, out var known))
        {
            _pending[key] = known = new HashSet<string>(StringComparer.Ordinal);
        }

        known?.UnionWith(names);
        if (known?.Count > PathChange.MaxNames)
        {
            _pending[key] = null;
        }
    }

    private async Task PumpAsync()
    {
        // Off the caller's activation: nothing waits for this.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            await Task.Delay(Gather, time).ConfigureAwait(false);
            Dictionary<(SourceId Source, string Path), HashSet<string>?> changed;
            lock (_gate)
            {
                if (_pending.Count == 0)
                {
                    _isPumping = false;
                    return;
                }

                (changed, _pending) = (_pending, []);
            }

            foreach (var ofSource in changed.GroupBy(one => one.Key.Source))
            {
                await PublishInPartsAsync(ofSource.Key, ofSource.Select(one => ChangeOf(one.Key.Path, one.Value))).ConfigureAwait(false);
            }
        }
    }

    private static PathChange ChangeOf(string path, HashSet<string>? names) =>
        path == WholeSource ? new PathChange("", [], IsSubtree: true) : new PathChange(path, [.. names ?? []], IsSubtree: false);

    private async Task PublishInPartsAsync(SourceId source, IEnumerable<PathChange> changes)
    {
        var part = ImmutableArray.CreateBuilder<PathChange>();
        var bytes = 0;
        foreach (var change in changes)
        {
            var more = ChangeRing.BytesOf(change);
            if (bytes + more > MaxCallBytes && part.Count > 0)
            {
                await PublishNowAsync(source, part.ToImmutable()).ConfigureAwait(false);
                part.Clear();
                bytes = 0;
            }

            part.Add(change);
            bytes += more;
        }

        await PublishNowAsync(source, part.ToImmutable()).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Changes of source {Source} were not told to its readers, who see them when "
        + "their leases end: {Reason}")]
    private partial void LogNotPublished(SourceId source, string reason);
}
