using System.Security.Authentication;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// One peer, served by one thread at a time that reads requests and writes every answer, so answers need no lock and a
/// peer that does not read holds up nobody but itself. A request whose bytes must come first waits in the silo; whoever
/// completes it only queues it here and raises a signal. The number that wait is bounded, so the queue is, too. While the peer
/// is silent and owed nothing it has no thread and no buffers (<see cref="ConnectionThreads"/>).
/// Other threads may call <see cref="Stop"/>, <see cref="Abort"/> and <see cref="CheckLimits"/>.
/// </summary>
internal sealed partial class ServerConnection : IDisposable
{
    private readonly ServerContext _context;
    private readonly StreamSocket _socket;
    private volatile IWire _wire;
    private readonly bool _isUnix;

    // All requests that wait, by id; this thread only.
    private readonly Dictionary<ulong, ServerRequest> _waiting = [];
    private readonly Stack<ServerRequest> _idle = new();

    // Guards what completing threads touch: _ready, _signal, _ended.
    private readonly Lock _gate = new();
    private readonly Queue<ServerRequest> _ready = new();
    private EventSignal? _signal;
    private bool _ended;

    // Read by the watchdog: when what is being waited for began; 0 = nothing.
    private long _inputSince;
    private long _sendSince;
    private volatile bool _authenticated;
    private volatile bool _stopping;
    private volatile bool _timedOut;

    // Set when nothing can be sent any more; this thread only.
    private bool _broken;
    private Features _agreed;

    private bool _hasIdleTimeout;

    public ServerConnection(ServerContext context, StreamSocket socket, string peer, bool isUnix)
    {
        _context = context;
        _socket = socket;
        _wire = new PlainWire(socket);
        _isUnix = isUnix;
        Peer = peer;
        _inputSince = context.Time.GetTimestamp();
    }

    /// <summary>Who is at the other end, for logs and for the bound per peer.</summary>
    public string Peer { get; }

    /// <summary>Number in the server's table.</summary>
    public ulong Id { get; set; }

    public bool IsAuthenticated => _authenticated;

    public StreamSocket Socket => _socket;

    /// <summary>Shakes hands; false when the connection is over.</summary>
    public bool Authenticate()
    {
        try
        {
            if (ShakeHands())
            {
                return true;
            }
        }
        catch (Exception exception)
        {
            _context.Log.ConnectionFailed(exception, Peer);
        }

        End();
        return false;
    }

    /// <summary>Reads and serves; true when the peer is owed nothing and needs no thread, false when the connection is over.</summary>
    public bool Serve(ConnectionBuffers buffers)
    {
        (_input, _output) = (buffers.Input, buffers.Output);
        var isIdle = false;
        try
        {
            isIdle = ServeUntilIdle();
        }
        catch (Exception exception)
        {
            _context.Log.ConnectionFailed(exception, Peer);
        }

        if (isIdle)
        {
            Rest();
        }
        else
        {
            End();
        }

        return isIdle;
    }

    /// <summary>Ends the connection after the answer being sent.</summary>
    public void Stop()
    {
        _stopping = true;
        _socket.ShutdownReceive();
        Wake();
    }

    /// <summary>Ends the connection at once.</summary>
    public void Abort()
    {
        _stopping = true;
        _socket.Shutdown();
        Wake();
    }

    /// <summary>The watchdog's visit: ends what takes too long.</summary>
    public void CheckLimits()
    {
        // While we send, it is not the peer that keeps a half frame waiting.
        var sendSince = Volatile.Read(ref _sendSince);
        var inputSince = sendSince == 0 ? Volatile.Read(ref _inputSince) : 0;
        inputSince = inputSince == 0 && sendSince == 0 ? _wire.PartSince : inputSince;
        var limit = _authenticated ? _context.Options.FrameTimeout : _context.Options.HandshakeTimeout;
        if (inputSince != 0 && _context.Time.GetElapsedTime(inputSince) > limit)
        {
            _timedOut = true;
            Abort();
        }

        if (sendSince != 0 && _context.Time.GetElapsedTime(sendSince) > _context.Options.SendTimeout && !_timedOut)
        {
            _timedOut = true;
            _context.Metrics.OnSlowReader();
            _context.Log.SlowReader(Peer, _context.Options.SendTimeout);
            Abort();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _wire.Dispose();
        _signal?.Dispose();
    }

    private bool ShakeHands()
    {
        var refusal = _isUnix || _context.Certificate is null ? HandshakeRefusal.None : StartTls(_context.Certificate.Get());
        var handshake = new ServerHandshake(_wire, _context.Identity, _isUnix, _context.Options.MaxRequestsInFlight);
        refusal = refusal == HandshakeRefusal.None ? handshake.Run() : refusal;
        Volatile.Write(ref _inputSince, 0);
        if (refusal == HandshakeRefusal.None)
        {
            _agreed = handshake.Agreed;
            _authenticated = true;
            return true;
        }

        // The watchdog's shutdown looks like a peer that left.
        refusal = _timedOut ? HandshakeRefusal.TimedOut : refusal;
        if (handshake.Error != FrameError.None)
        {
            _context.Metrics.OnMalformed(handshake.Error);
        }

        _context.Metrics.OnRefused(refusal);
        _context.Log.Refused(Peer, refusal);
        return false;
    }

    /// <summary>TLS first, where it is wanted.</summary>
    private HandshakeRefusal StartTls(ServerCertificate certificate)
    {
        Span<byte> first = stackalloc byte[1];
        if (_socket.Peek(first) <= 0)
        {
            return HandshakeRefusal.Disconnected;
        }

        if (first[0] != TlsWire.FirstByteOfTls)
        {
            // It sees our refusal only when we have taken what it said.
            var channel = new HandshakeChannel(_wire);
            channel.TryReceive(out _, out _);
            channel.Refuse(HandshakeRefusal.TlsRequired);
            return HandshakeRefusal.TlsRequired;
        }

        try
        {
            _wire = TlsWire.Accept(_socket, certificate, _context.Time);
            return HandshakeRefusal.None;
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or InvalidOperationException)
        {
            return HandshakeRefusal.TlsFailed;
        }
    }

    /// <summary>Until the peer is silent or others need the thread (true), leaves, breaks the rules or the server stops.</summary>
    private bool ServeUntilIdle()
    {
        if (!_hasIdleTimeout)
        {
            // The kernel ends the wait: a request that comes in time costs no system call more.
            _socket.SetReceiveTimeout(_context.Options.IdleAfter);
            _hasIdleTimeout = true;
        }

        var hasReceived = false;
        while (!_stopping && ServeBuffered() && !_broken)
        {
            if (hasReceived && _context.IsCrowded && OwesNothing)
            {
                return true;
            }

            if (_waiting.Count > 0)
            {
                var (readable, signalled) = !_isFull && _wire.MayHaveMore ? (true, true) : _socket.WaitReadable(_signal!, !_isFull);
                if (signalled)
                {
                    FinishReady();
                }

                if (!readable)
                {
                    continue;
                }
            }

            switch (Receive())
            {
                case Reception.Ended:
                    return false;
                case Reception.Nothing when _inputEnd == 0 && _waiting.Count == 0 && _wire.PartSince == 0:
                    return true;
                default:
                    hasReceived = true;
                    break;
            }
        }

        return false;
    }

    private bool OwesNothing =>
        _waiting.Count == 0 && _inputStart == _inputEnd && !_wire.MayHaveMore && _wire.PartSince == 0;

    /// <summary>Keeps nothing that an idle connection does not need.</summary>
    private void Rest()
    {
        (_input, _output) = ([], []);
        (_inputStart, _inputEnd) = (0, 0);
        foreach (var request in _idle)
        {
            request.Dispose();
        }

        _idle.Clear();
        _idle.TrimExcess();
        _waiting.TrimExcess();
        lock (_gate)
        {
            _ready.TrimExcess();
            _signal?.Dispose();
            _signal = null;
        }
    }

    private void FinishReady()
    {
        _signal!.Reset();
        while (TryTakeReady(out var request))
        {
            _waiting.Remove(request.Id);
            Resume(request);
        }
    }

    private bool TryTakeReady(out ServerRequest request)
    {
        lock (_gate)
        {
            return _ready.TryDequeue(out request!);
        }
    }

    /// <summary>Hands a request back to this connection's thread. Called by whoever completed it.</summary>
    private void Post(ServerRequest request)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _ready.Enqueue(request);
                _signal!.Raise();
                return;
            }
        }

        request.Dispose();
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _signal?.Raise();
            }
        }
    }

    /// <summary>Puts a request among those that wait.</summary>
    private void BeginWait(ServerRequest request)
    {
        if (_signal is null)
        {
            var signal = new EventSignal();
            lock (_gate)
            {
                _signal = signal;
            }
        }

        request.BeginWait(_context.Time, _context.Options.RequestTimeout);
        _waiting.Add(request.Id, request);
        if (request.Batch is { } batch)
        {
            LookAhead(batch);
        }
    }

    private ServerRequest Rent() => _idle.TryPop(out var request) ? request : new ServerRequest();

    private void Return(ServerRequest request)
    {
        if (request.HasWaited)
        {
            request.Dispose();
        }
        else
        {
            request.ReturnBuffer();
            _idle.Push(request);
        }
    }

    /// <summary>Ends and frees everything; for whoever has the connection for itself.</summary>
    public void End()
    {
        _socket.Shutdown();
        List<ServerRequest> orphans;
        lock (_gate)
        {
            _ended = true;
            orphans = [.. _ready];
            _ready.Clear();
        }

        foreach (var request in orphans)
        {
            _waiting.Remove(request.Id);
            request.Dispose();
        }

        // Those still in the silo are told to give up; Post disposes of them.
        foreach (var request in _waiting.Values)
        {
            request.Cancel();
        }

        foreach (var request in _idle)
        {
            request.Dispose();
        }

        Dispose();
    }
}
