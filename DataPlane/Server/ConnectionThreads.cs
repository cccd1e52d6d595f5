using System.Diagnostics.CodeAnalysis;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// Gives connections their threads. One that has something to say, or has ended, gets a thread until it was silent for a while;
/// then it costs no more than its socket, watched with all others by one poller. When all threads are taken, connections queue
/// in the order they spoke, and those that are served take turns with them: whoever is owed nothing queues again. Strangers, who
/// have not shaken hands, have a quarter of the threads at most, so that those who never finish delay nobody but each other.
/// </summary>
internal sealed class ConnectionThreads : IDisposable
{
    private const int EventsAtOnce = 256;

    // When both wait, each fourth thread goes to a stranger: new clients come in however many are being served.
    private const int StrangersTurn = 4;

    // Of threads that have ended, for those to come: connections that speak now and then make no garbage.
    private const int MostSpareBuffers = 64;

    private readonly ServerContext _context;
    private readonly ConnectionTable _table;
    private readonly Action<Action, string> _startThread;
    private readonly SocketPoller _poller = new();
    private readonly int _maxStrangers;
    private readonly Lock _gate = new();
    private readonly Queue<ServerConnection> _peers = new();
    private readonly Queue<ServerConnection> _strangers = new();
    private readonly Stack<ConnectionBuffers> _spare = new();
    private int _busy;
    private int _busyStrangers;
    private int _turn;

    /// <summary>Threads for a server.</summary>
    /// <param name="context">What its connections share.</param>
    /// <param name="table">Its connections.</param>
    /// <param name="startThread">Runs a body on a thread of this name.</param>
    public ConnectionThreads(ServerContext context, ConnectionTable table, Action<Action, string> startThread)
    {
        (_context, _table, _startThread) = (context, table, startThread);
        _maxStrangers = Math.Max(1, context.Options.MaxBusyConnections / 4);
    }

    /// <summary>Watches a connection that is in the table. Its first words are waited for without a thread, too.</summary>
    public void Add(ServerConnection connection) => _poller.Add(connection.Socket, connection.Id);

    /// <summary>The poller's thread: returns when the table is drained.</summary>
    public void Poll()
    {
        Span<ulong> ids = stackalloc ulong[EventsAtOnce];
        while (!_table.IsDrained)
        {
            foreach (var id in ids[.._poller.Wait(ids)])
            {
                if (_table.TryFind(id, out var connection))
                {
                    Queue(connection);
                }
            }
        }
    }

    /// <summary>The watchdog's visit: starts the threads that could not be started when they were wanted.</summary>
    public void StartMissing() => StartThreads();

    /// <summary>Makes the poller look whether the table is drained.</summary>
    public void Wake() => _poller.Wake();

    /// <inheritdoc/>
    public void Dispose() => _poller.Dispose();

    private void Queue(ServerConnection connection)
    {
        lock (_gate)
        {
            QueueOf(connection).Enqueue(connection);
            LookAround();
        }

        StartThreads();
    }

    private void StartThreads()
    {
        while (TryTakeForNewThread(out var connection))
        {
            try
            {
                _startThread(() => Work(connection), "blocks");
            }
            catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
            {
                _context.Log.NoThread(exception.Message);
                PutBack(connection);
                return;
            }
        }
    }

    /// <summary>A worker's body: serves one connection after the other while any is ready.</summary>
    private void Work(ServerConnection first)
    {
        var buffers = TakeBuffers();
        for (var connection = first; connection is not null;)
        {
            if (!connection.IsAuthenticated && !Authenticate(connection))
            {
                Forget(connection);
            }
            else if (connection.Serve(buffers))
            {
                Watch(connection);
            }
            else
            {
                Forget(connection);
            }

            lock (_gate)
            {
                if (!TryTake(out connection))
                {
                    _busy--;
                    _context.Metrics.OnBusy(-1);
                    if (_spare.Count < MostSpareBuffers)
                    {
                        _spare.Push(buffers);
                    }
                }
            }
        }
    }

    private ConnectionBuffers TakeBuffers()
    {
        lock (_gate)
        {
            return _spare.TryPop(out var spare) ? spare : new ConnectionBuffers();
        }
    }

    private bool Authenticate(ServerConnection connection)
    {
        try
        {
            return connection.Authenticate();
        }
        finally
        {
            lock (_gate)
            {
                _busyStrangers--;
                LookAround();
            }

            // A place for the next stranger, also when this thread goes on with this connection.
            StartThreads();
        }
    }

    private void Watch(ServerConnection connection)
    {
        try
        {
            _poller.Again(connection.Socket, connection.Id);
        }
        catch (LinuxFileException exception)
        {
            _context.Log.ConnectionFailed(exception, connection.Peer);
            connection.End();
            Forget(connection);
        }
    }

    private void Forget(ServerConnection connection)
    {
        _table.Remove(connection);
        _context.Metrics.OnClosed();
        if (_table.IsDrained)
        {
            _poller.Wake();
        }
    }

    /// <summary>A connection whose thread could not be started queues again.</summary>
    private void PutBack(ServerConnection connection)
    {
        lock (_gate)
        {
            _busy--;
            _context.Metrics.OnBusy(-1);
            _busyStrangers -= connection.IsAuthenticated ? 0 : 1;
            QueueOf(connection).Enqueue(connection);
            LookAround();
        }
    }

    private Queue<ServerConnection> QueueOf(ServerConnection connection) => connection.IsAuthenticated ? _peers : _strangers;

    private bool TryTakeForNewThread([NotNullWhen(true)] out ServerConnection? connection)
    {
        lock (_gate)
        {
            connection = null;
            if (_busy >= _context.Options.MaxBusyConnections || !TryTake(out connection))
            {
                return false;
            }

            _busy++;
            _context.Metrics.OnBusy(1);
            return true;
        }
    }

    private bool TryTake([NotNullWhen(true)] out ServerConnection? connection)
    {
        var isStranger = MayStrangerGo && (_peers.Count == 0 || ++_turn % StrangersTurn == 0);
        var isTaken = isStranger ? _strangers.TryDequeue(out connection) : _peers.TryDequeue(out connection);
        _busyStrangers += isStranger ? 1 : 0;
        LookAround();
        return isTaken;
    }

    private bool MayStrangerGo => _strangers.Count > 0 && _busyStrangers < _maxStrangers;

    private void LookAround() => _context.IsCrowded = _peers.Count > 0 || MayStrangerGo;
}
