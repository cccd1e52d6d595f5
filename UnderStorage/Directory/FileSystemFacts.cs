using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>What matters about a mounted file system.</summary>
/// <param name="Id">f_fsid: stable over remounts for local file systems, 0 for NFS (whose handles say enough).</param>
/// <param name="IsLocal">Its times come from this machine's clock.</param>
/// <param name="IsMultigrain">Every change after a stat gets a ctime of its own (see docs/design/03-proof-of-version.md).</param>
internal readonly record struct FileSystemFacts(ulong Id, bool IsLocal, bool IsMultigrain)
{
    private static readonly Version FirstMultigrainKernel = new(6, 13);

    /// <summary>Facts from a statfs type and the running kernel.</summary>
    public static FileSystemFacts From(long type, ulong id, Version kernel)
    {
        const long Ext = 0xEF53, Xfs = 0x58465342, Btrfs = 0x9123683E, Tmpfs = 0x01021994;
        const long Overlay = 0x794C7630, F2fs = 0xF2F52010, Zfs = 0x2FC12FC1, Bcachefs = 0xCA451A4E;
        type &= 0xFFFFFFFF;
        var multigrain = type is Ext or Xfs or Btrfs or Tmpfs;
        var local = multigrain || type is Overlay or F2fs or Zfs or Bcachefs;
        return new FileSystemFacts(id, local, multigrain && kernel >= FirstMultigrainKernel);
    }
}

/// <summary>Asks each file system once. A source may contain several (mounts below its root).</summary>
internal sealed unsafe class FileSystemFactsCache
{
    /// <summary>More mounts below one root than this are asked again each time.</summary>
    private const int MaxRemembered = 1024;

    private readonly ConcurrentDictionary<ulong, FileSystemFacts> _byDevice = new();

    /// <summary>Facts of a file system seen before.</summary>
    public bool TryGet(in StatxBuffer stat, out FileSystemFacts facts) => _byDevice.TryGetValue(DeviceOf(stat), out facts);

    /// <summary>Facts of the file system that an open file lies in; a failed statfs counts as a remote file system.</summary>
    public FileSystemFacts Of(in StatxBuffer stat, SafeFileHandle file)
    {
        var device = DeviceOf(stat);
        if (_byDevice.TryGetValue(device, out var known))
        {
            return known;
        }

        StatFsBuffer buffer;
        if (LibC.FStatFs(file, &buffer) != 0)
        {
            return default;
        }

        var facts = FileSystemFacts.From(buffer.Type, buffer.FileSystemId, Environment.OSVersion.Version);
        if (_byDevice.Count < MaxRemembered)
        {
            _byDevice[device] = facts;
        }

        return facts;
    }

    private static ulong DeviceOf(in StatxBuffer stat) => ((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor;
}
