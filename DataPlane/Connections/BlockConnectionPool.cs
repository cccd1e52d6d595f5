using System.Collections.Concurrent;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// Connections to block servers, kept and shared. A server that was restarted is connected to again; a caller waits for that no
/// longer than its token and <see cref="BlockConnectionPoolOptions.GetTimeout"/> allow.
/// </summary>
public sealed class BlockConnectionPool : IAsyncDisposable
{
    private readonly ConcurrentDictionary<DataEndpoint, EndpointConnections> _endpoints = new();
    private readonly BlockConnectionPoolOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private bool _disposed;

    /// <summary>An empty pool.</summary>
    /// <param name="options">Bounds and times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Jitter; must be safe for threads, as <see cref="Random.Shared"/> is.</param>
    public BlockConnectionPool(BlockConnectionPoolOptions options, TimeProvider time, Random random) =>
        (_options, _time, _random) = (options, time, random);

    /// <summary>A connection to a server. Ask for every request (or a few): it may be another one each time.</summary>
    public ValueTask<ConnectionOutcome> GetAsync(DataEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ConnectionOutcome>(cancellationToken);
        }

        var connections = _endpoints.TryGetValue(endpoint, out var known) ? known : Add(endpoint);
        return connections.TryGet() is { } connection
            ? new(new ConnectionOutcome(ReadStatus.Ok, connection, null))
            : connections.GetAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        foreach (var connections in _endpoints.Values)
        {
            await connections.DisposeAsync().ConfigureAwait(false);
        }
    }

    private EndpointConnections Add(DataEndpoint endpoint)
    {
        KeyValuePair<DataEndpoint, EndpointConnections> oldest = default;
        EndpointConnections added;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_endpoints.TryGetValue(endpoint, out var known))
            {
                return known;
            }

            if (_endpoints.Count >= _options.MaxEndpoints)
            {
                oldest = _endpoints.MinBy(static held => held.Value.LastUsed);
                _endpoints.TryRemove(oldest);
            }

            added = new EndpointConnections(endpoint, _options, _time, _random);
            _endpoints[endpoint] = added;
        }

        if (oldest.Value is not null)
        {
            // Ends by itself: what is in flight there fails, and whoever asked reconnects.
            _ = oldest.Value.DisposeAsync().AsTask();
        }

        return added;
    }
}
