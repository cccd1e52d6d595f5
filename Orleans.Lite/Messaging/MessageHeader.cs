namespace Orleans.Runtime.Messaging;

/// <summary>The head of a request on the wire.</summary>
internal struct RequestHeader
{
    private const uint IdField = 1;
    private const uint MethodField = 2;
    private const uint TypeField = 3;
    private const uint KeyField = 4;
    private const uint TimeToLiveField = 5;
    private const uint FlagsField = 6;
    private const uint SourceField = 7;
    private const uint ContextField = 8;
    private const uint BodyField = 15;
    public const uint OneWayFlag = 1;
    public const uint CancellableFlag = 2;

    public long Id;
    public ulong MethodId;
    public GrainType Type;
    public IdSpan Key;
    public ulong TimeToLiveMs;
    public uint Flags;
    public GrainId? Source;
    public Dictionary<string, object>? Context;
    /// <summary>Why the context cannot be read: fails the request, not the connection.</summary>
    public Exception? Problem;

    /// <summary>Writes head and arguments. The limits are the options'; what exceeds them is not sent.</summary>
    public static void Write(WireWriter writer, Request request, ulong timeToLiveMs, bool cancellable,
        MessageLimits limits, CodecProvider codecs)
    {
        var start = Frames.Begin(writer, FrameKind.Request);
        writer.Tag(IdField, WireType.Varint);
        writer.Varint((ulong)request.Id);
        writer.Tag(MethodField, WireType.Fixed64);
        writer.Fixed64(request.Method.Id);
        writer.Tag(TypeField, WireType.Bytes);
        writer.Bytes(request.Target.Type.Value.AsSpan());
        writer.Tag(KeyField, WireType.Bytes);
        writer.Bytes(request.Target.Key.AsSpan());
        writer.Tag(TimeToLiveField, WireType.Varint);
        writer.Varint(timeToLiveMs);
        writer.Tag(FlagsField, WireType.Varint);
        writer.Varint((request.Method.IsOneWay ? OneWayFlag : 0) | (cancellable ? CancellableFlag : 0));
        if (request.Source is { } source)
        {
            writer.Tag(SourceField, WireType.Bytes);
            writer.String(source.ToString());
        }

        if (request.Context is { Count: > 0 } context)
        {
            writer.Tag(ContextField, WireType.Block);
            codecs.Get<Dictionary<string, object>>().Write(writer, context);
        }

        limits.CheckHeader(writer.Length - start, request.Name);
        writer.Tag(BodyField, WireType.Block);
        var body = writer.BeginBlock();
        request.Codec.WriteArguments(writer, request.Body);
        limits.CheckBody(writer.Length - body, request.Name);
        writer.EndBlock(body);
        writer.EndBlock(start);
    }

    /// <summary>Reads the head and leaves the reader at the block of arguments.</summary>
    public static RequestHeader Read(WireReader reader, CodecProvider codecs)
    {
        var header = default(RequestHeader);
        while (!reader.AtEnd)
        {
            switch (reader.Tag())
            {
                case (IdField, WireType.Varint): header.Id = (long)reader.Varint(); break;
                case (MethodField, WireType.Fixed64): header.MethodId = reader.Fixed64(); break;
                case (TypeField, WireType.Bytes):
                    header.Type = new GrainType(new IdSpan(reader.Bytes().ToArray())); break;
                case (KeyField, WireType.Bytes): header.Key = new IdSpan(reader.Bytes().ToArray()); break;
                case (TimeToLiveField, WireType.Varint): header.TimeToLiveMs = reader.Varint(); break;
                case (FlagsField, WireType.Varint): header.Flags = (uint)reader.Varint(); break;
                case (SourceField, WireType.Bytes): header.Source = GrainId.Parse(reader.String()); break;
                case (ContextField, WireType.Block):
                    if (!TryReadContext(reader, codecs, ref header))
                    {
                        return header;
                    }

                    break;
                case (BodyField, WireType.Block):
                    if (header.Type.IsDefault || header.Key.IsDefault)
                    {
                        throw WireReader.Malformed("names no grain");
                    }

                    return header;
                case var (_, wire): reader.Skip(wire); break;
            }
        }

        throw WireReader.Malformed("has no arguments");
    }

    private static bool TryReadContext(WireReader reader, CodecProvider codecs, ref RequestHeader header)
    {
        try
        {
            header.Context = codecs.Get<Dictionary<string, object>>().Read(reader);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            header.Problem = exception;
        }

        return header.Problem is null;
    }
}

/// <summary>The head of a response on the wire.</summary>
internal static class ResponseHeader
{
    private const uint IdField = 1;
    private const uint FailedField = 2;
    private const uint BodyField = 15;

    public static int Begin(WireWriter writer, long id, bool failed)
    {
        writer.Tag(IdField, WireType.Varint);
        writer.Varint((ulong)id);
        if (failed)
        {
            writer.Tag(FailedField, WireType.Varint);
            writer.Varint(1);
        }

        writer.Tag(BodyField, WireType.Block);
        return writer.BeginBlock();
    }

    /// <summary>Reads the head and leaves the reader at the block of the result.</summary>
    public static (long Id, bool Failed) Read(WireReader reader)
    {
        long id = 0;
        var failed = false;
        while (!reader.AtEnd)
        {
            switch (reader.Tag())
            {
                case (IdField, WireType.Varint): id = (long)reader.Varint(); break;
                case (FailedField, WireType.Varint): failed = reader.Varint() != 0; break;
                case (BodyField, WireType.Block): return (id, failed);
                case var (_, wire): reader.Skip(wire); break;
            }
        }

        throw WireReader.Malformed("has no result");
    }
}

/// <summary>The largest messages, from the options.</summary>
internal sealed record MessageLimits(int HeaderBytesMax, int BodyBytesMax)
{
    public static MessageLimits Of(Configuration.MessagingOptions options) =>
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
