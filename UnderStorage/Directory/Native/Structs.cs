using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansCache.UnderStorage.Directories.Native;

/// <summary><c>struct open_how</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    public const ulong NoMagicLinks = 0x02;
    public const ulong NoSymlinks = 0x04;
    public const ulong Beneath = 0x08;

    public ulong Flags, Mode, Resolve;
}

/// <summary><c>struct statx_timestamp</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatxTime
{
    public long Seconds;
    public uint Nanoseconds;
    public int Reserved;

    /// <summary>Nanoseconds since 1970; a time beyond 2262 or before 1677 saturates.</summary>
    public readonly long TotalNanoseconds =>
        (long)Int128.Clamp(((Int128)Seconds * 1_000_000_000) + Nanoseconds, long.MinValue, long.MaxValue);
}

/// <summary><c>struct statx</c>: 256 bytes, the tail is for later kernels.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal struct StatxBuffer
{
    /// <summary>STATX_BASIC_STATS | STATX_BTIME.</summary>
    public const uint WantedMask = 0xFFF;

    public const uint BirthTimeBit = 0x800;

    public uint Mask, BlockSize;
    public ulong Attributes;
    public uint Links, Uid, Gid;
    public ushort Mode, Padding;
    public ulong Inode, Size, Blocks, AttributesMask;
    public StatxTime Accessed, Born, Changed, Modified;
    public uint DeviceNodeMajor, DeviceNodeMinor, DeviceMajor, DeviceMinor;
}

/// <summary><c>struct file_handle</c> with room for the longest handle.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileHandleBuffer
{
    public const int MaxHandleBytes = 128;

    public uint HandleBytes;
    public int HandleType;
    public HandleData Data;

    [InlineArray(MaxHandleBytes)]
    internal struct HandleData
    {
        private byte _first;
    }
}

/// <summary><c>struct statfs</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct StatFsBuffer
{
    public long Type, BlockSize;
    public ulong Blocks, FreeBlocks, AvailableBlocks, Files, FreeFiles, FileSystemId;
}
