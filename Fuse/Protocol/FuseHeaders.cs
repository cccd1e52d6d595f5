using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>The head of every request.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseInHeader
{
    /// <summary>Of the whole message, this header included.</summary>
    public uint LengthBytes;
    public FuseOpcode Opcode;

    /// <summary>Names the request in its reply; bit 0 marks an interrupt, bit 63 a request sent again.</summary>
    public ulong Unique;
    public ulong NodeId;
    public uint Uid;
    public uint Gid;
    public uint Pid;

    /// <summary>Of trailing extensions, in 8-byte units.</summary>
    public ushort ExtensionUnits;
    public ushort Padding;
}

/// <summary>The head of every reply and, with Unique 0, of every notification.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseOutHeader
{
    public uint LengthBytes;

    /// <summary>Zero, a negated errno, or the notification's code.</summary>
    public int Error;
    public ulong Unique;
}
