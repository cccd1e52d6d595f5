using System.Diagnostics;
using System.Globalization;

namespace OrleansCache.LocalCluster;

/// <summary>
/// A temporary folder that carries its owner's process id in its name, so that what a killed run left behind
/// (mounts, folders) can be told from what is in use, and removed by the next run.
/// </summary>
public sealed class ScratchFolder : IDisposable
{
    private const string Prefix = "ocache-scratch-";
    private static int _count;

    /// <summary>Makes a fresh folder below the system's temporary folder (or <paramref name="below"/>).</summary>
    public ScratchFolder(string? below = null)
    {
        CleanOrphans();
        Path = System.IO.Path.Combine(
            below ?? System.IO.Path.GetTempPath(),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _count)}"));
        Directory.CreateDirectory(Path);
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>A folder inside, made.</summary>
    public string Folder(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    /// <summary>Unmounts what is mounted below, then deletes.</summary>
    public void Dispose() => Remove(Path);

    /// <summary>Removes folders and mounts of runs whose process is gone.</summary>
    public static void CleanOrphans()
    {
        foreach (var folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
        {
            var owner = System.IO.Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && pid != Environment.ProcessId && !Directory.Exists($"/proc/{pid}"))
            {
                Remove(folder);
            }
        }
    }

    /// <summary>Mount points at or below a folder, deepest first.</summary>
    public static IReadOnlyList<string> MountsBelow(string folder) =>
        [.. File.ReadLines("/proc/self/mountinfo")
            .Select(line => line.Split(' ')[4].Replace("\\040", " ", StringComparison.Ordinal))
            .Where(mount => mount == folder || mount.StartsWith(folder + "/", StringComparison.Ordinal))
            .OrderByDescending(mount => mount.Length)];

    private static void Remove(string folder)
    {
        foreach (var mount in MountsBelow(folder))
        {
            using var umount = Process.Start("umount", ["--lazy", mount]);
            umount.WaitForExit();
        }

        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another run removed it first.
        }
    }
}
