using OrleansCache.Namespaces;

namespace OrleansCache.Silo.Telemetry;

/// <summary>
/// What is attached where, for people who look at the status and for the block store, which is told how each source is
/// cached: as the namespace's grain said lately. Looking never waits for a grain; it starts a refresh, at most one at a time
/// and one a second. Thread-safe.
/// </summary>
internal sealed partial class AttachedSources(
    Func<CancellationToken, ValueTask<NamespaceTable>> getTable, Action<SourceInfo> tellStore, TimeProvider time,
    ILogger<AttachedSources> logger)
{
    private static readonly TimeSpan RefreshAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefreshTimeout = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private volatile IReadOnlyList<SourceInfo> _known = [];
    private long? _refreshedAt;
    private Task _refreshing = Task.CompletedTask;

    /// <summary>The table as last heard.</summary>
    public IReadOnlyList<SourceInfo> Look()
    {
        lock (_gate)
        {
            if (_refreshing.IsCompleted && (_refreshedAt is not { } at || time.GetElapsedTime(at) >= RefreshAfter))
            {
                _refreshedAt = time.GetTimestamp();
                _refreshing = RefreshAsync();
            }
        }

        return _known;
    }

    /// <summary>Asks now. Never throws: without an answer the old table stays.</summary>
    public async Task RefreshAsync()
    {
        await Task.Yield();
        try
        {
            using var deadline = new CancellationTokenSource(RefreshTimeout, time);
            var table = await getTable(deadline.Token);
            foreach (var source in table.Sources)
            {
                tellStore(source);
            }

            _known = table.Sources;
        }
        catch (Exception exception)
        {
            LogNoTable(exception.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The namespace's table cannot be had, status shows an older one: {Reason}")]
    private partial void LogNoTable(string reason);
}
