namespace Orleans.Runtime.Messaging;

/// <summary>The head of a request on the wire: a block of fields in order. New fields go to its end, under a new flag:
/// who does not know them skips them with the rest of the block.</summary>
internal struct RequestHeader
{
    private const uint OneWayFlag = 1;
    private const uint CancellableFlag = 2;
    private const uint SourceFlag = 4;
    private const uint ContextFlag = 8;
    private uint _flags;

    public long Id { get; private set; }
    public ulong MethodId { get; private set; }
    public GrainId Target { get; private set; }
    public ulong TimeToLiveMs { get; private set; }
    public GrainId? Source { get; private set; }
    public Dictionary<string, object>? Context { get; private set; }
    /// <summary>Why the context cannot be read: fails the request, not the connection.</summary>
    public Exception? Problem { get; private set; }
    public readonly bool IsOneWay => (_flags & OneWayFlag) != 0;
    public readonly bool IsCancellable => (_flags & CancellableFlag) != 0;

    /// <summary>Writes head and arguments. The limits are the options'; what exceeds them is not sent.</summary>
    public static void Write(WireWriter writer, Request request, ulong timeToLiveMs, bool cancellable,
        MessageLimits limits, CodecProvider codecs)
    {
        var start = Frames.Begin(writer, FrameKind.Request);
        var head = writer.BeginBlock();
        var context = request.Context is { Count: > 0 } ? request.Context : null;
        writer.Varint((request.Method.IsOneWay ? OneWayFlag : 0) | (cancellable ? CancellableFlag : 0)
            | (request.Source is null ? 0 : SourceFlag) | (context is null ? 0 : ContextFlag));
        writer.Varint((ulong)request.Id);
        writer.Fixed64(request.Method.Id);
        writer.Bytes(request.Target.Type.Value.AsSpan());
        writer.Bytes(request.Target.Key.AsSpan());
        writer.Varint(timeToLiveMs);
        if (request.Source is { } source)
        {
            writer.String(source.ToString());
        }

        if (context is not null)
        {
            codecs.Get<Dictionary<string, object>>().Write(writer, context);
        }

        writer.EndBlock(head);
        limits.CheckHeader(writer.Length - head, request.Name);
        var body = writer.BeginBlock();
        request.Codec.WriteArguments(writer, request.Body);
        limits.CheckBody(writer.Length - body, request.Name);
        writer.EndBlock(body);
        writer.EndBlock(start);
    }

    /// <summary>Reads the head and leaves the reader at the block of arguments.</summary>
    public static RequestHeader Read(WireReader reader, CodecProvider codecs)
    {
        var outer = reader.BeginBlock();
        var header = new RequestHeader
        {
            _flags = (uint)reader.Varint(),
            Id = (long)reader.Varint(),
            MethodId = reader.Fixed64(),
            Target = new GrainId(
                new GrainType(new IdSpan(reader.Bytes().ToArray())), new IdSpan(reader.Bytes().ToArray())),
            TimeToLiveMs = reader.Varint(),
        };
        header.Source = (header._flags & SourceFlag) == 0 ? null : GrainId.Parse(reader.String());
        try
        {
            header.Context = (header._flags & ContextFlag) == 0
                ? null
                : codecs.Get<Dictionary<string, object>>().Read(reader);
            reader.EndBlock(outer);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            header.Problem = exception;
        }

        return header;
    }
}

/// <summary>The largest messages, from the options.</summary>
internal sealed record MessageLimits(int HeaderBytesMax, int BodyBytesMax)
{
    public static MessageLimits Of(MessagingOptions options) =>
        new(options.MaxMessageHeaderSize, options.MaxMessageBodySize);

    public int FrameBytesMax => (int)Math.Min((long)HeaderBytesMax + BodyBytesMax + 1024, Array.MaxLength - 1024);

    public void CheckHeader(int length, string name)
    {
        if (length > HeaderBytesMax)
        {
            throw new OrleansException($"{name}: {length} bytes of header, MaxMessageHeaderSize is {HeaderBytesMax}.");
        }
    }

    public void CheckBody(int length, string name)
    {
        if (length > BodyBytesMax)
        {
            throw new OrleansException(
                $"{name}: {length} bytes of body, MaxMessageBodySize is {BodyBytesMax}. It was not sent.");
        }
    }
}
