using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>What statx(2) says of a path. Unlike .NET's file information it keeps the error.</summary>
/// <param name="Mode">File type and permissions, st_mode.</param>
/// <param name="Inode">st_ino.</param>
/// <param name="SizeBytes">st_size.</param>
/// <param name="DeviceMajor">Major number of the device the file is on.</param>
/// <param name="DeviceMinor">Minor number of the device the file is on.</param>
/// <param name="ModifySeconds">Whole seconds of st_mtime.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
public readonly partial record struct FileStatus(
    uint Mode, ulong Inode, long SizeBytes, uint DeviceMajor, uint DeviceMinor, long ModifySeconds, uint Uid, uint Gid)
{
    /// <summary>True for a directory.</summary>
    public bool IsDirectory => (Mode & 0xF000) == 0x4000;

    /// <summary>True for a symbolic link, which only a call that does not follow links returns.</summary>
    public bool IsLink => (Mode & 0xF000) == 0xA000;

    /// <summary>Asks for the status of a path.</summary>
    /// <returns>None and the status, or why there is none.</returns>
    public static Errno Get(string path, bool followLinks, out FileStatus status)
    {
        const int NoFollow = 0x100;
        return Get(path, followLinks ? 0 : NoFollow, out status);
    }

    /// <summary>The same, following links, but from the server of a network or FUSE file system and no cache: it tells
    /// whether that server still answers, and waits for it.</summary>
    /// <returns>None and the status, or why there is none.</returns>
    public static Errno GetFresh(string path, out FileStatus status)
    {
        const int ForceSync = 0x2000;
        return Get(path, ForceSync, out status);
    }

    private static unsafe Errno Get(string path, int flags, out FileStatus status)
    {
        const int CurrentDirectory = -100;
        const uint BasicStatistics = 0x7FF;
        status = default;
        Statx raw;
        if (NativeStatx(CurrentDirectory, path, flags, BasicStatistics, &raw) != 0)
        {
            return (Errno)Marshal.GetLastPInvokeError();
        }

        status = new FileStatus(
            raw.Mode, raw.Inode, (long)raw.Size, raw.DeviceMajor, raw.DeviceMinor, raw.ModifySeconds, raw.Uid, raw.Gid);
        return Errno.None;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int NativeStatx(int directory, string path, int flags, uint mask, Statx* status);

    /// <summary>struct statx: offsets are the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(20)]
        public uint Uid;

        [FieldOffset(24)]
        public uint Gid;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(112)]
        public long ModifySeconds;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
