using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>
/// One request as bytes from the device, cut into header and body. Reads nothing outside the message whatever it
/// contains; does no I/O.
/// </summary>
internal readonly ref struct FuseMessage
{
    /// <summary>FUSE_NAME_MAX: longer names never come.</summary>
    public const int NameBytesMax = 1024;

    private const int ExtensionUnitBytes = 8;

    private FuseMessage(ref readonly FuseInHeader header, ReadOnlySpan<byte> body)
    {
        Header = ref header;
        Body = body;
    }

    public readonly ref readonly FuseInHeader Header;

    /// <summary>What follows the header, without trailing extensions.</summary>
    public readonly ReadOnlySpan<byte> Body;

    /// <summary>Cuts a message; false when its lengths contradict each other.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out FuseMessage message)
    {
        message = default;
        if (!TryOverlay<FuseInHeader>(bytes, out var headers))
        {
            return false;
        }

        ref readonly var header = ref headers[0];
        var extensionBytes = header.ExtensionUnits * ExtensionUnitBytes;
        var bodyBytes = bytes.Length - Unsafe.SizeOf<FuseInHeader>() - extensionBytes;
        if (header.LengthBytes != (uint)bytes.Length || bodyBytes < 0)
        {
            return false;
        }

        message = new FuseMessage(in header, bytes.Slice(Unsafe.SizeOf<FuseInHeader>(), bodyBytes));
        return true;
    }

    /// <summary>The body's fixed part, in place: a span of one, or false when the body is too short.</summary>
    public static bool TryOverlay<T>(ReadOnlySpan<byte> bytes, out ReadOnlySpan<T> value)
        where T : unmanaged
    {
        value = default;
        if (bytes.Length < Unsafe.SizeOf<T>())
        {
            return false;
        }

        value = MemoryMarshal.Cast<byte, T>(bytes)[..1];
        return true;
    }

    /// <summary>A name at the start of the bytes, closed by NUL: not empty, no '/'.</summary>
    public static bool TryName(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> name)
    {
        var length = bytes.IndexOf((byte)0);
        name = length < 0 ? default : bytes[..length];
        return length is > 0 and <= NameBytesMax && !name.Contains((byte)'/');
    }

    /// <summary>The list of a BATCH_FORGET; false when it is shorter than it says.</summary>
    public static bool TryForgets(ReadOnlySpan<byte> body, out ReadOnlySpan<FuseForgetOne> forgets)
    {
        forgets = default;
        if (!TryOverlay<FuseBatchForgetIn>(body, out var head))
        {
            return false;
        }

        var all = MemoryMarshal.Cast<byte, FuseForgetOne>(body[Unsafe.SizeOf<FuseBatchForgetIn>()..]);
        if (head[0].Count > (uint)all.Length)
        {
            return false;
        }

        forgets = all[..(int)head[0].Count];
        return true;
    }
}
