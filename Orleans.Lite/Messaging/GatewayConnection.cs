namespace Orleans.Runtime.Messaging;

/// <summary>A client at the gateway: its handshake, its requests, the answers to it.</summary>
internal sealed partial class GatewayConnection(Socket socket, GatewayServices services)
    : Connection(socket, services.Time, services.Logger), IReplyTo
{
    /// <summary>More than this in flight from one client is refused, not queued: the client knows best what to hold
    /// back.</summary>
    private const int MaxInFlight = 10_000;

    private static readonly TimeSpan ByeTimeout = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<long, Request> _cancellable = new();
    private readonly MessageLimits _limits = MessageLimits.Of(services.Messaging.Value);
    private volatile bool _welcomed;
    private int _inFlight;

    protected override int LargestFrame => _welcomed ? _limits.FrameBytesMax : Frames.LargestHello;

    public override void Check()
    {
        base.Check();
        if (!_welcomed && Time.GetElapsedTime(Opened) > services.Connection.Value.OpenConnectionTimeout)
        {
            Close(new BadPeerException(
                $"It said no hello within {services.Connection.Value.OpenConnectionTimeout.TotalSeconds} s."));
        }
        else if (_welcomed && SinceReceived > services.Messaging.Value.ClientDropTimeout)
        {
            Close(new TimeoutException($"Nothing came from it for {services.Messaging.Value.ClientDropTimeout}."));
        }
    }

    public async Task SayByeAsync()
    {
        Post(FrameKind.Bye);
        await DrainAsync(ByeTimeout);
        Close(new OperationCanceledException("The silo stops."));
    }

    /// <summary>Called by the activation when the request is done.</summary>
    public void Respond(Request request, Response response)
    {
        _cancellable.TryRemove(request.Id, out _);
        Interlocked.Decrement(ref _inFlight);
        using var writer = WireWriter.Rent();
        WriteResponse(writer, request, response);
        TrySend(writer);
    }

    protected override void OnFrame(FrameKind kind, WireReader reader)
    {
        if (!_welcomed)
        {
            if (kind != FrameKind.Hello)
            {
                throw new BadPeerException($"Its first frame is a {kind}, not a hello.");
            }

            Greet(Hello.Read(reader));
            return;
        }

        switch (kind)
        {
            case FrameKind.Request: OnRequest(reader); break;
            case FrameKind.Cancel: OnCancel((long)reader.Varint()); break;
            case FrameKind.Ping: Post(FrameKind.Pong); break;
            case FrameKind.Bye: Close(new EndOfStreamException("The client said goodbye.")); break;
            default: throw new BadPeerException($"A client does not send a {kind}.");
        }
    }

    protected override void OnClosed(Exception reason)
    {
        if (reason is BadPeerException bad)
        {
            LogBadPeer(Logger, Peer, bad.Message);
        }
        else
        {
            LogClosed(Logger, Peer, reason.Message);
        }
    }

    protected override void OnQueueFull() =>
        Close(new BadPeerException($"It let {QueuedBytesMax} bytes of answers gather unread."));

    private void Greet(Hello hello)
    {
        var own = Hello.Of(services.Cluster.Value);
        using var writer = WireWriter.Rent();
        if (hello != own)
        {
            var start = Frames.Begin(writer, FrameKind.Refused);
            writer.String($"This silo is cluster '{own.Cluster}', service '{own.Service}'; "
                + $"you asked for cluster '{hello.Cluster}', service '{hello.Service}'.");
            writer.EndBlock(start);
            TrySend(writer);
            _ = RefuseAsync(hello);
            return;
        }

        new Welcome(services.Silo.SiloAddress, services.Messaging.Value.ClientDropTimeout,
            services.Manifest.GrainTypes).Write(writer);
        _welcomed = true;
        TrySend(writer);
    }

    private async Task RefuseAsync(Hello hello)
    {
        await DrainAsync(ByeTimeout);
        Close(new BadPeerException($"It asked for cluster '{hello.Cluster}', service '{hello.Service}'."));
    }

    private void OnRequest(WireReader reader)
    {
        var header = RequestHeader.Read(reader, services.Codecs);
        var codec =
            services.Manifest.TryGetMethod(header.MethodId, out var method) ? services.Calls.CodecOf(method) : null;
        if (header.Problem is { } problem)
        {
            Refuse(header, new SerializerException(
                $"The request context of {codec?.Method.DisplayName} cannot be read: {problem.Message}"));
            return;
        }

        if (codec is null)
        {
            Refuse(header, new OrleansMessageRejectionException(
                $"The silo knows no method with wire id {header.MethodId:x} for grain type '{header.Target.Type}': "
                + "client and silo were built from different contracts."));
            return;
        }

        if (Volatile.Read(ref _inFlight) >= MaxInFlight)
        {
            Refuse(header, new GatewayTooBusyException(
                $"{codec.Method.DisplayName} was not run: {MaxInFlight} requests of this client are in flight "
                + $"already."));
            return;
        }

        if (ReadBody(reader, header, codec) is { } request)
        {
            services.Router.Deliver(request);
        }
    }

    private Request? ReadBody(WireReader reader, in RequestHeader header, MethodCodec codec)
    {
        Invokable body;
        try
        {
            var outer = reader.BeginBlock();
            body = codec.ReadArguments(reader);
            reader.EndBlock(outer);
        }
        catch (Exception exception)
        {
            // The frame's borders are sound: only this request is lost.
            Refuse(header, new SerializerException(
                $"The arguments of {codec.Method.DisplayName} cannot be read: {exception.Message}"));
            return null;
        }

        var request = new Request(header.Id, header.Target, codec, body)
        {
            Source = header.Source,
            Context = header.Context,
            Deadline = DeadlineOf(header.TimeToLiveMs),
        };
        if (!header.IsOneWay)
        {
            request.ReplyTo = this;
            Interlocked.Increment(ref _inFlight);
        }

        if (header.IsCancellable && codec.Method.TokenIndex >= 0)
        {
            request.OwnCancellation();
            _cancellable[header.Id] = request;
        }

        return request;
    }

    private long DeadlineOf(ulong timeToLiveMs) => timeToLiveMs is 0 or > int.MaxValue
        ? 0
        : Time.GetTimestamp() + ((long)timeToLiveMs * Time.TimestampFrequency / 1000);

    private void OnCancel(long id)
    {
        if (_cancellable.TryRemove(id, out var request))
        {
            request.Cancel();
        }
    }

    private void Refuse(in RequestHeader header, Exception exception)
    {
        if (header.IsOneWay)
        {
            return;
        }

        using var writer = WireWriter.Rent();
        WriteFailure(writer, header.Id, exception);
        TrySend(writer);
    }

    private void WriteResponse(WireWriter writer, Request request, Response response)
    {
        if (response.Exception is { } failure)
        {
            WriteFailure(writer, request.Id, failure);
            return;
        }

        try
        {
            var start = Frames.Begin(writer, FrameKind.Response);
            var body = BeginResponse(writer, request.Id, failed: false);
            request.Codec.WriteResult(writer, response);
            _limits.CheckBody(writer.Length - body, request.Name + " (its result)");
            writer.EndBlock(body);
            writer.EndBlock(start);
        }
        catch (Exception exception)
        {
            writer.Clear();
            WriteFailure(writer, request.Id, new SerializerException(
                $"{request.Name} ran, but its result cannot be sent: {exception.Message}"));
        }
    }

    private static int BeginResponse(WireWriter writer, long id, bool failed)
    {
        writer.Varint((ulong)id);
        writer.Byte(failed ? (byte)1 : (byte)0);
        return writer.BeginBlock();
    }

    private void WriteFailure(WireWriter writer, long id, Exception exception)
    {
        var start = Frames.Begin(writer, FrameKind.Response);
        var body = BeginResponse(writer, id, failed: true);
        var mark = writer.Length;
        try
        {
            ExceptionCodec.Write(writer, exception, services.Codecs);
        }
        catch (SerializerException unsent)
        {
            writer.Rewind(mark);
            ExceptionCodec.Write(writer, new SerializerException(
                $"{exception.GetType()}: {exception.Message} (it could not be sent as it is: "
                + $"{unsent.Message})"), services.Codecs);
        }

        writer.EndBlock(body);
        writer.EndBlock(start);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Client {Peer} was closed: {Reason}")]
    private static partial void LogBadPeer(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Client {Peer} is gone: {Reason}")]
    private static partial void LogClosed(ILogger logger, string peer, string reason);
}
