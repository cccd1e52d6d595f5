using System.Diagnostics;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// The connections to one server. The open one with the fewest requests in flight is taken without a lock; one caller at a
/// time makes a new one, and after a failure all wait for the same moment to try again.
/// </summary>
internal sealed class EndpointConnections(DataEndpoint endpoint, BlockConnectionPoolOptions options, TimeProvider time, Random random)
    : IAsyncDisposable
{
    // Failures in a row beyond which the backoff does not grow: keeps the shift in range.
    private const int MaxDoublings = 16;

    private readonly BlockConnection?[] _connections = new BlockConnection?[options.MaxConnectionsPerEndpoint];
    private readonly SemaphoreSlim _connecting = new(1);
    private string? _refusal; // What the last attempt was refused with: others who come before the next one is due need not wait for it.
    private int _failures;
    private long _retryAt;
    private long _lastUsed = time.GetTimestamp();
    private volatile bool _disposed;

    /// <summary>When it was asked for last.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>A connection that is open and idle, or any open one when there may be no more.</summary>
    public BlockConnection? TryGet()
    {
        Volatile.Write(ref _lastUsed, time.GetTimestamp());
        var best = FindBest(out var hasRoom);
        return best is not null && (!hasRoom || best.RequestsInFlight == 0) ? best : null;
    }

    public async ValueTask<ConnectionOutcome> GetAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var busy = FindBest(out _);
        if (busy is not null && !await _connecting.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
        {
            // Somebody is opening another one; a busy connection is better than waiting for it.
            return new ConnectionOutcome(ReadStatus.Ok, busy, null);
        }

        if (busy is null && !await SynchronousCaller.EnterAsync(_connecting, options.GetTimeout, cancellationToken).ConfigureAwait(false))
        {
            return TimedOut("others are still trying");
        }

        try
        {
            return await ConnectAsync(start, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _connecting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await _connecting.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var connection in _connections)
            {
                if (connection is not null)
                {
                    await connection.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>Tries until it works, the time is over or trying makes no sense. One caller at a time.</summary>
    private async ValueTask<ConnectionOutcome> ConnectAsync(long start, CancellationToken cancellationToken)
    {
        var reason = "no attempt was due";
        while (!_disposed)
        {
            // A caller before us may have connected; with one open, a failing second is not worth waiting for.
            var open = FindBest(out var hasRoom);
            var wait = RetryIn();
            if (open is not null && (!hasRoom || open.RequestsInFlight == 0 || wait > TimeSpan.Zero))
            {
                return new ConnectionOutcome(ReadStatus.Ok, open, null);
            }

            if (wait > TimeSpan.Zero && _refusal is { } refusal)
            {
                return new ConnectionOutcome(ReadStatus.AccessDenied, null, refusal);
            }

            if (time.GetElapsedTime(start) + wait >= options.GetTimeout)
            {
                return TimedOut(reason);
            }

            if (wait > TimeSpan.Zero)
            {
                await SynchronousCaller.PauseAsync(wait, time, cancellationToken).ConfigureAwait(false);
            }

            try
            {
                return new ConnectionOutcome(ReadStatus.Ok, await OpenAsync(cancellationToken).ConfigureAwait(false), null);
            }
            catch (HandshakeRefusedException exception) when (!exception.MayPass)
            {
                BackOff(exception.Message);
                return open is { IsOpen: true }
                    ? new ConnectionOutcome(ReadStatus.Ok, open, null)
                    : new ConnectionOutcome(ReadStatus.AccessDenied, null, exception.Message);
            }
            catch (Exception exception) when (exception is IOException or HandshakeRefusedException)
            {
                reason = exception.Message;
                BackOff(null);
            }
        }

        return new ConnectionOutcome(ReadStatus.Unavailable, null, "the pool is closed");
    }

    private async ValueTask<BlockConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await BlockConnection.ConnectAsync(endpoint, options.Connection, time, cancellationToken)
            .ConfigureAwait(false);
        _failures = 0;
        var slot = Array.FindIndex(_connections, static held => held is not { IsOpen: true });
        Debug.Assert(slot >= 0, "only the holder of the gate adds connections, and it has seen room");
        Volatile.Write(ref _connections[slot], connection);
        return connection;
    }

    private BlockConnection? FindBest(out bool hasRoom)
    {
        BlockConnection? best = null;
        var least = int.MaxValue;
        hasRoom = false;
        for (var index = 0; index < _connections.Length; index++)
        {
            var connection = Volatile.Read(ref _connections[index]);
            if (connection is not { IsOpen: true })
            {
                hasRoom = true;
                continue;
            }

            var load = connection.RequestsInFlight;
            if (load < least)
            {
                (best, least) = (connection, load);
            }
        }

        return best;
    }

    private TimeSpan RetryIn()
    {
        if (_failures == 0)
        {
            return TimeSpan.Zero;
        }

        var now = time.GetTimestamp();
        return now >= _retryAt ? TimeSpan.Zero : time.GetElapsedTime(now, _retryAt);
    }

    private void BackOff(string? refusal)
    {
        _refusal = refusal;
        var longest = Math.Min(
            options.LongestBackoff.TotalSeconds,
            options.FirstBackoff.TotalSeconds * (1 << Math.Min(_failures, MaxDoublings)));
        _failures++;
        // Between half and all of it: never at once, and never all clients together.
        var seconds = longest * (0.5 + (random.NextDouble() / 2));
        _retryAt = time.GetTimestamp() + (long)(seconds * time.TimestampFrequency);
    }

    private ConnectionOutcome TimedOut(string reason) => new(
        ReadStatus.Unavailable, null,
        $"no connection to {endpoint.Host}:{endpoint.Port} within {options.GetTimeout.TotalSeconds:0.#} s: {reason}");
}
