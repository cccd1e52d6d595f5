using System.Runtime.InteropServices;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// One request while its operation runs: who asks, and the ways to answer at once. Lives on the session thread's
/// stack; nothing here allocates.
/// </summary>
internal readonly ref struct FuseRequest
{
    private readonly FuseRequestContext _context;
    private readonly ref readonly FuseInHeader _header;

    internal FuseRequest(FuseRequestContext context, ref readonly FuseInHeader header)
    {
        _context = context;
        _header = ref header;
    }

    public FuseOpcode Opcode => _header.Opcode;

    public ulong Unique => _header.Unique;

    public ulong NodeId => _header.NodeId;

    public uint Uid => _header.Uid;

    public uint Gid => _header.Gid;

    /// <summary>The calling thread, as the mount's pid namespace numbers it; 0 for the kernel itself.</summary>
    public uint Pid => _header.Pid;

    /// <summary>The thread's own page-aligned reply memory, at least as large as any read may ask for.</summary>
    public Span<byte> ReplyBuffer => _context.ReplyBuffer;

    /// <summary>The same memory for pread(2).</summary>
    public unsafe byte* ReplyAddress => _context.ReplyAddress;

    /// <summary>The first bytes of <see cref="ReplyBuffer"/>: the fast path of READ.</summary>
    public FuseReply Filled(int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)lengthBytes, (uint)_context.ReplyCapacityBytes);
        return FuseReply.OfBuffer(lengthBytes);
    }

    /// <summary>A small answer, copied.</summary>
    public FuseReply Data(ReadOnlySpan<byte> data)
    {
        data.CopyTo(ReplyBuffer);
        return FuseReply.OfBuffer(data.Length);
    }

    /// <summary>LOOKUP: the node, whose lookup count the file system has raised by one.</summary>
    public FuseReply Entry(in FuseEntryOut entry) => Value(in entry);

    /// <summary>LOOKUP: there is no such name, and the kernel may remember it for this long.</summary>
    public FuseReply NoEntry(TimeSpan validity) =>
        validity <= TimeSpan.Zero
            ? FuseReply.Error(Errno.NoEntry)
            : Value(FuseEntryOut.Create(0, default, validity, default));

    public FuseReply Attributes(in FuseAttributesOut attributes) => Value(in attributes);

    public FuseReply Opened(in FuseOpenOut opened) => Value(in opened);

    public FuseReply StatFs(in FuseStatFsOut statistics) => Value(in statistics);

    /// <summary>GETXATTR and LISTXATTR: the value, its size, or ERANGE, as the room at the caller demands.</summary>
    public FuseReply XAttr(ReadOnlySpan<byte> value, in FuseXAttrIn asked)
    {
        if (asked.SizeBytes == 0)
        {
            return Value(new FuseXAttrOut { SizeBytes = (uint)value.Length });
        }

        return (uint)value.Length > asked.SizeBytes ? FuseReply.Error(Errno.Range) : Data(value);
    }

    /// <summary>A writer over <see cref="ReplyBuffer"/> that holds what READDIR asked for and no more.</summary>
    public FuseDirectoryWriter Directory(in FuseReadIn asked) =>
        new(ReplyBuffer[..(int)Math.Min(asked.SizeBytes, (uint)_context.ReplyCapacityBytes)]);

    /// <summary>
    /// Takes the reply away: the operation returns <see cref="FuseReply.Deferred"/> and somebody answers the token.
    /// At most once per request. May wait when the session's bound of pending requests is reached.
    /// </summary>
    public FuseReplyToken Defer() => _context.Defer(in _header);

    private unsafe FuseReply Value<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(ReplyBuffer, in value);
        return FuseReply.OfBuffer(sizeof(T));
    }
}
