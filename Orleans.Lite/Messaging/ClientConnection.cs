namespace Orleans.Runtime.Messaging;

/// <summary>The client's connection to one gateway.</summary>
internal sealed class ClientConnection(Socket socket, ClientConnections owner, TimeProvider time, ILogger logger)
    : Connection(socket, time, logger)
{
    private readonly TaskCompletionSource<Welcome> _welcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _ready;

    public Welcome Welcome => _welcome.Task.Result;
    protected override int LargestFrame => _ready ? owner.Limits.FrameBytesMax : Frames.LargestWelcome;

    /// <summary>Connects and shakes hands; throws when either takes too long or is refused.</summary>
    public static async Task<ClientConnection> OpenAsync(
        IPEndPoint gateway, Hello hello, ClientConnections owner, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        var socket = new Socket(gateway.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        ClientConnection connection;
        try
        {
            await socket.ConnectAsync(gateway, cancellationToken);
            connection = new ClientConnection(socket, owner, time, logger);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _ = Task.Run(connection.ReceiveAsync, CancellationToken.None); // Without the opener's synchronization context.
        try
        {
            using var writer = WireWriter.Rent();
            hello.Write(writer);
            connection.TrySend(writer);
            await connection._welcome.Task.WaitAsync(cancellationToken);
            return connection;
        }
        catch (Exception exception)
        {
            connection.Close(exception);
            throw;
        }
    }

    public override void Check()
    {
        base.Check();
        if (!_ready)
        {
            return;
        }

        var drop = Welcome.DropTimeout;
        if (SinceReceived > drop)
        {
            Close(new TimeoutException($"Nothing came from the gateway for {drop}."));
        }
        else if (SinceReceived > drop / 4 || Time.GetElapsedTime(LastSent) > drop / 4)
        {
            // A quiet line: show that we live and ask whether it does.
            Post(FrameKind.Ping);
        }
    }

    protected override void OnFrame(FrameKind kind, WireReader reader)
    {
        switch (kind)
        {
            case FrameKind.Welcome when !_ready:
                _ready = true;
                _welcome.TrySetResult(Welcome.Read(reader));
                break;
            case FrameKind.Refused when !_ready:
                Close(new ConnectionFailedException($"The gateway {Peer} refused: {reader.String()}"));
                break;
            case FrameKind.Response when _ready: OnResponse(reader); break;
            case FrameKind.Pong: break;
            case FrameKind.Bye: Close(new EndOfStreamException("The gateway said goodbye: its silo stops.")); break;
            default: throw new BadPeerException($"A gateway does not send a {kind} now.");
        }
    }

    protected override void OnClosed(Exception reason)
    {
        _welcome.TrySetException(reason);
        _ = _welcome.Task.Exception; // Observed: the opener may have given up already.
        owner.OnLost(this, reason);
    }

    protected override void OnQueueFull() => throw new LimitExceededException(
        $"The call was not sent: {QueuedBytesMax} bytes wait to be sent to gateway {Peer} already.");

    private void OnResponse(WireReader reader)
    {
        var (id, failed) = ((long)reader.Varint(), reader.Byte() != 0);
        if (owner.Pending?.Find(id) is not { } call)
        {
            return; // Late: its caller timed out or cancelled.
        }

        Response response;
        try
        {
            var outer = reader.BeginBlock();
            response = failed
                ? Response.FromException(ExceptionCodec.Read(reader, owner.Codecs))
                : call.Request.Codec.ReadResult(reader);
            reader.EndBlock(outer);
        }
        catch (Exception exception)
        {
            response = Response.FromException(new SerializerException(
                $"{call.Request.Name} ran, but its answer cannot be read: {exception.Message}", exception));
        }

        call.TryFinish(response);
    }
}
