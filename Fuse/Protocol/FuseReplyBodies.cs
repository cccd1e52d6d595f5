using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>Reply to OPEN and OPENDIR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseOpenOut
{
    public ulong Handle;
    public FuseOpenFlags Flags;

    /// <summary>With <see cref="FuseOpenFlags.Passthrough"/>: the id BACKING_OPEN gave.</summary>
    public int BackingId;
}

/// <summary>Reply to STATFS (struct fuse_kstatfs).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseStatFsOut
{
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public uint BlockSizeBytes;
    public uint NameLengthMax;
    public uint FragmentSizeBytes;
    public uint Padding;
    private readonly ulong _spare0;
    private readonly ulong _spare1;
    private readonly ulong _spare2;
}

/// <summary>Reply to GETXATTR and LISTXATTR that asked for the size only.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseXAttrOut
{
    public uint SizeBytes;
    public uint Padding;
}

/// <summary>How the kernel treats an open file (FOPEN_*). An inode has one I/O mode while it is open.</summary>
[Flags]
internal enum FuseOpenFlags : uint
{
    None = 0,

    /// <summary>Not through the page cache.</summary>
    DirectIo = 1 << 0,

    /// <summary>Pages of earlier opens stay. Never together with <see cref="Passthrough"/>: open fails EIO.</summary>
    KeepCache = 1 << 1,
    NonSeekable = 1 << 2,

    /// <summary>Directory entries are kept by the kernel.</summary>
    CacheDirectory = 1 << 3,
    Stream = 1 << 4,

    /// <summary>No FLUSH at close.</summary>
    NoFlush = 1 << 5,
    ParallelDirectWrites = 1 << 6,

    /// <summary>The kernel reads the backing file itself.</summary>
    Passthrough = 1 << 7,
}
