using System.Globalization;

namespace OrleansCache.BlockStore.Tests;

/// <summary>
/// File systems in loop files, mounted under one directory. Cleans up after itself, and after earlier runs of this test
/// that died: its mounts and loop devices are known by the directory's name.
/// </summary>
internal sealed class LoopDisk : IDisposable
{
    private const string Prefix = "ocache-powercut-";
    private readonly List<string> _mounts = [];

    public LoopDisk()
    {
        RemoveOrphans();
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():n}");
        Root = Path.Combine(Path.GetTempPath(), name);
        Directory.CreateDirectory(Root);
    }

    public string Root { get; }

    /// <summary>Loop devices, mounts and mkfs need root; the rest of the machine is told by trying.</summary>
    public static bool IsPossible => Environment.UserName == "root" && File.Exists("/dev/loop-control")
        && File.Exists("/usr/sbin/mkfs.xfs") && File.Exists("/usr/sbin/mkfs.ext4");

    /// <summary>Makes an image, formats and mounts it; returns the mount point.</summary>
    public string Create(string image, string name, int sizeMiB, string[] format)
    {
        using (var file = File.Create(image))
        {
            file.SetLength((long)sizeMiB << 20);
        }

        Processes.Run(format[0], [.. format[1..], image]);
        return Mount(image, name);
    }

    public string Mount(string image, string name)
    {
        var point = Path.Combine(Root, name);
        Directory.CreateDirectory(point);
        Processes.Run("mount", "-o", "loop", image, point);
        _mounts.Add(point);
        return point;
    }

    public void Unmount(string point)
    {
        Processes.Run("umount", point);
        _mounts.Remove(point);
    }

    public void Dispose()
    {
        for (var i = _mounts.Count - 1; i >= 0; i--)
        {
            Processes.TryRun("umount", "-l", _mounts[i]);
        }

        RemoveTree(Root);
    }

    private static void RemoveOrphans()
    {
        foreach (var directory in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.GetFileName(directory)[Prefix.Length..].Split('-')[0];
            if (!Directory.Exists("/proc/" + owner))
            {
                RemoveTree(directory);
            }
        }
    }

    private static void RemoveTree(string directory)
    {
        // Newest mount first: the inner images lie on the outer mount. umount frees its loop device by itself.
        foreach (var line in File.ReadAllLines("/proc/self/mounts").Reverse())
        {
            var point = line.Split(' ')[1];
            if (point.StartsWith(directory + "/", StringComparison.Ordinal))
            {
                Processes.TryRun("umount", "-l", point);
            }
        }

        foreach (var line in Processes.TryRun("losetup", "-n", "-O", "NAME,BACK-FILE", "-l").Output.Split('\n'))
        {
            if (line.Contains(directory + "/", StringComparison.Ordinal))
            {
                Processes.TryRun("losetup", "-d", line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
            }
        }

        Directory.Delete(directory, recursive: true);
    }
}
