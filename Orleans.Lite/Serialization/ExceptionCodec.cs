using System.Runtime.ExceptionServices;

namespace Orleans.Serialization;

/// <summary>Exceptions: name, message, remote stack, cause, then the numbered members of [GenerateSerializer] classes.
/// A type the reader does not know arrives as the fallback; local calls pass the object.</summary>
internal static class ExceptionCodec
{
    /// <summary>Deeper chains of causes are cut.</summary>
    private const int MaxCauses = 20;

    public static void Write(WireWriter writer, Exception value, CodecProvider provider, int depth = 0)
    {
        var start = writer.BeginBlock();
        writer.String(TypeNames.Of(value.GetType()));
        writer.String(value.Message);
        writer.String(value.StackTrace ?? string.Empty);
        writer.ZigZag(value.HResult);
        var cause = depth < MaxCauses ? value.InnerException : null;
        writer.Byte(cause is null ? (byte)0 : (byte)1);
        if (cause is not null)
        {
            Write(writer, cause, provider, depth + 1);
        }

        provider.ExceptionMembers(value.GetType())?.WriteBody(writer, value);
        writer.EndBlock(start);
    }

    public static Exception Read(WireReader reader, CodecProvider provider)
    {
        var outer = reader.BeginBlock();
        var (name, message, stack) = (reader.String(), reader.String(), reader.String());
        var code = (int)reader.ZigZag();
        var cause = reader.Byte() == 0 ? null : Read(reader, provider);
        Exception value;
        if (provider.Names.TryGetException(name, out var type))
        {
            value = (Exception)(provider.ExceptionMembers(type)?.ReadBody(reader)
                ?? RuntimeHelpers.GetUninitializedObject(type));
            MessageOf(value) = message;
        }
        else
        {
            value = new UnavailableExceptionFallbackException(name, $"{name}: {message}");
        }

        reader.EndBlock(outer);
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
