using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace OrleansCache.DataPlane.Server;

/// <summary>All connections of a server, bounded in total and by peer. Thread-safe.</summary>
internal sealed class ConnectionTable(BlockServerOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, ServerConnection> _connections = [];
    private readonly Dictionary<string, int> _byPeer = [];
    private ulong _lastId;
    private bool _closed;

    /// <summary>Whether none is left and none will come.</summary>
    public bool IsDrained
    {
        get
        {
            lock (_gate)
            {
                return _closed && _connections.Count == 0;
            }
        }
    }

    /// <summary>Takes a connection in and gives it its id; false when there may be no more.</summary>
    public bool TryAdd(ServerConnection connection)
    {
        lock (_gate)
        {
            var ofPeer = _byPeer.GetValueOrDefault(connection.Peer);
            if (_closed || _connections.Count >= options.MaxConnections || ofPeer >= options.MaxConnectionsPerPeer)
            {
                return false;
            }

            connection.Id = ++_lastId;
            _byPeer[connection.Peer] = ofPeer + 1;
            _connections.Add(connection.Id, connection);
            return true;
        }
    }

    public void Remove(ServerConnection connection)
    {
        lock (_gate)
        {
            _connections.Remove(connection.Id);
            ref var ofPeer = ref CollectionsMarshal.GetValueRefOrNullRef(_byPeer, connection.Peer);
            if (--ofPeer == 0)
            {
                _byPeer.Remove(connection.Peer);
            }
        }
    }

    public bool TryFind(ulong id, [NotNullWhen(true)] out ServerConnection? connection)
    {
        lock (_gate)
        {
            return _connections.TryGetValue(id, out connection);
        }
    }

    /// <summary>Adds all connections to a list.</summary>
    public void CopyTo(List<ServerConnection> list)
    {
        lock (_gate)
        {
            list.AddRange(_connections.Values);
        }
    }

    /// <summary>Takes no more in.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }
}
