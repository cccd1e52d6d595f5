using System.Runtime.InteropServices;

namespace OrleansCache.Fuse.Protocol;

/// <summary>Body of GETATTR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseGetAttrIn
{
    /// <summary>Bit 0: Handle is one of ours.</summary>
    public uint Flags;
    public uint Padding;
    public ulong Handle;
}

/// <summary>Body of OPEN and OPENDIR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseOpenIn
{
    /// <summary>The flags of open(2), without O_CREAT, O_EXCL and O_NOCTTY.</summary>
    public uint Flags;
    public uint OpenFlags;

    /// <summary>O_RDONLY 0, O_WRONLY 1, O_RDWR 2.</summary>
    public readonly uint AccessMode => Flags & 3;
}

/// <summary>Body of READ, READDIR and READDIRPLUS.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseReadIn
{
    public ulong Handle;

    /// <summary>Bytes for a file; for a directory the cookie of the last entry taken.</summary>
    public ulong Offset;
    public uint SizeBytes;
    public uint ReadFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

/// <summary>Body of RELEASE and RELEASEDIR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseReleaseIn
{
    public ulong Handle;
    public uint Flags;
    public uint ReleaseFlags;
    public ulong LockOwner;
}

/// <summary>One node and how many lookups the kernel gives back (struct fuse_forget_one).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseForgetOne
{
    public ulong NodeId;
    public ulong LookupCount;
}

/// <summary>Body of BATCH_FORGET, followed by Count times <see cref="FuseForgetOne"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseBatchForgetIn
{
    public uint Count;
    public uint Padding;
}

/// <summary>Body of ACCESS.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseAccessIn
{
    /// <summary>R_OK 4, W_OK 2, X_OK 1.</summary>
    public uint Mask;
    public uint Padding;
}

/// <summary>Body of GETXATTR (a name follows) and LISTXATTR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseXAttrIn
{
    /// <summary>Room at the caller; zero asks for the size only.</summary>
    public uint SizeBytes;
    public uint Padding;
}
