using System.Runtime.ExceptionServices;

namespace Orleans.Serialization;

/// <summary>Exceptions: name, message, remote stack, cause, then the numbered members of [GenerateSerializer] classes.
/// A type the reader does not know arrives as the fallback; local calls pass the object.</summary>
internal static class ExceptionCodec
{
    private const uint MessageId = 0;
    private const uint StackId = 1;
    private const uint CauseId = 2;
    private const uint ResultCodeId = 3;
    private const uint MembersId = 4;
    /// <summary>Deeper chains of causes are cut.</summary>
    private const int MaxCauses = 20;

    public static void Write(WireWriter writer, Exception value, CodecProvider provider) =>
        Write(writer, value, provider, 0);

    public static Exception Read(WireReader reader, CodecProvider provider)
    {
        var outer = reader.BeginBlock();
        var name = reader.String();
        string message = string.Empty, stack = string.Empty;
        Exception? cause = null, value = null;
        var code = 0;
        while (!reader.AtEnd)
        {
            var (id, wire) = reader.Tag();
            switch (id, wire)
            {
                case (MessageId, WireType.Bytes): message = reader.String(); break;
                case (StackId, WireType.Bytes): stack = reader.String(); break;
                case (CauseId, WireType.Block): cause = Read(reader, provider); break;
                case (ResultCodeId, WireType.Varint): code = (int)reader.ZigZag(); break;
                case (MembersId, WireType.Block): value = ReadMembers(reader, name, provider); break;
                default: reader.Skip(wire); break;
            }
        }

        reader.EndBlock(outer);
        return Make(value ?? WithoutMembers(name, provider), name, message, stack, cause, code);
    }

    private static void Write(WireWriter writer, Exception value, CodecProvider provider, int depth)
    {
        var start = writer.BeginBlock();
        writer.String(TypeNames.Of(value.GetType()));
        writer.Tag(MessageId, WireType.Bytes);
        writer.String(value.Message);
        writer.Tag(StackId, WireType.Bytes);
        writer.String(value.StackTrace ?? string.Empty);
        writer.Tag(ResultCodeId, WireType.Varint);
        writer.ZigZag(value.HResult);
        if (value.InnerException is { } cause && depth < MaxCauses)
        {
            writer.Tag(CauseId, WireType.Block);
            Write(writer, cause, provider, depth + 1);
        }

        if (provider.ExceptionMembers(value.GetType()) is { } members)
        {
            writer.Tag(MembersId, WireType.Block);
            var inner = writer.BeginBlock();
            members.WriteBody(writer, value);
            writer.EndBlock(inner);
        }

        writer.EndBlock(start);
    }

    private static Exception? ReadMembers(WireReader reader, string name, CodecProvider provider)
    {
        var outer = reader.BeginBlock();
        var value = provider.Names.TryGetException(name, out var type) && provider.ExceptionMembers(type) is { } members
            ? (Exception)members.ReadBody(reader)
            : null;
        reader.EndBlock(outer);
        return value;
    }

    private static Exception? WithoutMembers(string name, CodecProvider provider) =>
        provider.Names.TryGetException(name, out var type)
            ? (Exception)RuntimeHelpers.GetUninitializedObject(type)
            : null;

    private static Exception Make(
        Exception? value, string name, string message, string stack, Exception? cause, int code)
    {
        value ??= new UnavailableExceptionFallbackException(name, $"{name}: {message}");
        MessageOf(value) = value is UnavailableExceptionFallbackException ? value.Message : message;
        CauseOf(value) = cause;
        value.HResult = code;
        if (stack.Length > 0)
        {
            ExceptionDispatchInfo.SetRemoteStackTrace(value, stack);
        }

        return value;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string? MessageOf(Exception value);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception? CauseOf(Exception value);
}
