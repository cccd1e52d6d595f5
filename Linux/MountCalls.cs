using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>Flags of mount(2) that we use.</summary>
[Flags]
public enum MountFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>MS_RDONLY: every change fails with EROFS before it reaches the file system.</summary>
    ReadOnly = 1,

    /// <summary>MS_NOSUID: set-user-id bits have no effect.</summary>
    NoSetUserId = 2,

    /// <summary>MS_NODEV: device nodes cannot be opened.</summary>
    NoDevices = 4,

    /// <summary>MS_NOATIME: reading does not touch access times.</summary>
    NoAccessTime = 1024,
}

/// <summary>Flags of umount2(2).</summary>
[Flags]
public enum UnmountFlags
{
    /// <summary>Fail with EBUSY when something is in use.</summary>
    None = 0,

    /// <summary>MNT_FORCE: a FUSE connection is aborted first, busy or not.</summary>
    Force = 1,

    /// <summary>MNT_DETACH: take it out of the tree now, let go of it when nothing uses it any more.</summary>
    Detach = 2,

    /// <summary>UMOUNT_NOFOLLOW: never follow a symbolic link at the end of the path.</summary>
    NoFollow = 8,
}

/// <summary>mount(2) and umount2(2); both need CAP_SYS_ADMIN.</summary>
public static partial class MountCalls
{
    /// <summary>Mounts a file system.</summary>
    /// <returns>None, or why not.</returns>
    public static Errno Mount(string source, string target, string fileSystemType, MountFlags flags, string data) =>
        NativeMount(source, target, fileSystemType, (nuint)flags, data) == 0
            ? Errno.None
            : (Errno)Marshal.GetLastPInvokeError();

    /// <summary>Unmounts the topmost file system at a path.</summary>
    /// <returns>None, or why not.</returns>
    public static Errno Unmount(string target, UnmountFlags flags) =>
        NativeUnmount(target, (int)flags) == 0 ? Errno.None : (Errno)Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMount(
        string source, string target, string fileSystemType, nuint flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeUnmount(string target, int flags);
}
