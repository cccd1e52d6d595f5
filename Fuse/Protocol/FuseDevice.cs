using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>Numbers of the FUSE device: ioctls and sizes.</summary>
internal static class FuseDevice
{
    public const string Path = "/dev/fuse";

    public const ulong RootId = 1;

    /// <summary>_IOR(229, 0, u32): attaches a newly opened descriptor to the connection of another.</summary>
    public const uint Clone = 0x8004E500;

    /// <summary>_IOW(229, 1, fuse_backing_map).</summary>
    public const uint BackingOpen = 0x4010E501;

    /// <summary>_IOW(229, 2, u32).</summary>
    public const uint BackingClose = 0x4004E502;

    /// <summary>Set in the Unique of an INTERRUPT and of the answer to it.</summary>
    public const ulong InterruptBit = 1;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseBackingMap
{
    public int Descriptor;
    public uint Flags;
    public ulong Padding;
}
