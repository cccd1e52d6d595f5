using System.Globalization;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Cli.Mounting;

/// <summary>Finds the process behind a mount by its command line, and waits for its end.</summary>
internal static class DaemonProcess
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Processes that serve a mount point (as <see cref="MountPoint.Resolve"/> spells it); several after crashes.</summary>
    public static IReadOnlyList<int> FindAll(string mountPoint)
    {
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && id != Environment.ProcessId && Serves(folder, mountPoint))
            {
                found.Add(id);
            }
        }

        return found;
    }

    /// <summary>Waits until none of them runs.</summary>
    /// <returns>False when one still runs after the timeout.</returns>
    public static async Task<bool> WaitForEndAsync(
        IReadOnlyList<int> processes, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (processes.Any(IsRunning))
        {
            if (time.GetElapsedTime(started) >= timeout)
            {
                return false;
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private static bool Serves(string folder, string mountPoint)
    {
        var arguments = ReadOrEmpty($"{folder}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        return arguments.Contains("mount") && arguments.Contains("--foreground")
            && arguments.Any(argument => argument.StartsWith('/') && MountPoint.Resolve(argument) == mountPoint);
    }

    // A zombie serves nothing: its parent has not looked yet.
    private static bool IsRunning(int id)
    {
        var status = ReadOrEmpty($"/proc/{id}/stat");
        var nameEnd = status.LastIndexOf(')');
        return nameEnd > 0 && nameEnd + 2 < status.Length && status[nameEnd + 2] is not ('Z' or 'X');
    }

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return string.Empty; // It ended meanwhile, or is somebody else's.
        }
    }
}
