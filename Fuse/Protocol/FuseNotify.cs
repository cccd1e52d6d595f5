using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>Codes of unasked messages to the kernel: the Error field of a header with Unique 0.</summary>
internal enum FuseNotifyCode
{
    InvalidateInode = 2,
    InvalidateEntry = 3,
    Delete = 6,
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseInvalidateInodeOut
{
    public ulong NodeId;
    public long Offset;
    public long Length;
}

/// <summary>Followed by the name and a NUL.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseInvalidateEntryOut
{
    public ulong ParentId;
    public uint NameBytes;

    /// <summary><see cref="ExpireOnly"/> or zero.</summary>
    public uint Flags;

    /// <summary>FUSE_EXPIRE_ONLY: look the name up again before it is used next, but keep it and what hangs on it until then.</summary>
    public const uint ExpireOnly = 1;
}

/// <summary>Followed by the name and a NUL.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseDeleteOut
{
    public ulong ParentId;
    public ulong ChildId;
    public uint NameBytes;
    public uint Padding;
}

/// <summary>Encodes notifications, header included, into the caller's buffer.</summary>
internal static class FuseNotify
{
    /// <summary>Room for the largest notification.</summary>
    public const int BytesMax = 16 + 24 + FuseMessage.NameBytesMax + 1;

    /// <returns>Length of the message.</returns>
    public static int WriteInvalidateInode(Span<byte> target, ulong nodeId, long offset, long length)
    {
        var body = new FuseInvalidateInodeOut { NodeId = nodeId, Offset = offset, Length = length };
        return Write(target, FuseNotifyCode.InvalidateInode, in body, default, withName: false);
    }

    /// <returns>Length of the message.</returns>
    public static int WriteInvalidateEntry(Span<byte> target, ulong parentId, ReadOnlySpan<byte> name, bool expireOnly = false)
    {
        var body = new FuseInvalidateEntryOut
        {
            ParentId = parentId,
            NameBytes = (uint)name.Length,
            Flags = expireOnly ? FuseInvalidateEntryOut.ExpireOnly : 0,
        };
        return Write(target, FuseNotifyCode.InvalidateEntry, in body, name, withName: true);
    }

    /// <returns>Length of the message.</returns>
    public static int WriteDelete(Span<byte> target, ulong parentId, ulong childId, ReadOnlySpan<byte> name)
    {
        var body = new FuseDeleteOut { ParentId = parentId, ChildId = childId, NameBytes = (uint)name.Length };
        return Write(target, FuseNotifyCode.Delete, in body, name, withName: true);
    }

    private static int Write<T>(
        Span<byte> target, FuseNotifyCode code, in T body, ReadOnlySpan<byte> name, bool withName)
        where T : unmanaged
    {
        if (name.Length > FuseMessage.NameBytesMax)
        {
            throw new ArgumentException($"A name has at most {FuseMessage.NameBytesMax} bytes.", nameof(name));
        }

        var nameStart = Unsafe.SizeOf<FuseOutHeader>() + Unsafe.SizeOf<T>();
        var length = nameStart + name.Length + (withName ? 1 : 0);
        var header = new FuseOutHeader { LengthBytes = (uint)length, Error = (int)code, Unique = 0 };
        MemoryMarshal.Write(target, in header);
        MemoryMarshal.Write(target[Unsafe.SizeOf<FuseOutHeader>()..], in body);
        name.CopyTo(target[nameStart..]);
        if (withName)
        {
            target[nameStart + name.Length] = 0;
        }

        return length;
    }
}
