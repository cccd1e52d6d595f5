using OrleansCache.Linux;

namespace OrleansCache.Fuse.Mounting;

/// <summary>Makes sure that a path can be mounted on, and clears away what a dead process of ours left.</summary>
internal static class MountPoint
{
    /// <summary>Mounts that crashed one above the other at one place; more than these is no accident.</summary>
    private const int StaleLayersMax = 16;

    /// <summary>
    /// The path as mountinfo spells it: absolute, symbolic links resolved. A mount point is not asked, so that this
    /// works for one whose process is dead or hangs.
    /// </summary>
    public static string Resolve(string path)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (full == "/")
        {
            return full;
        }

        var parent = RealPath.Get(System.IO.Path.GetDirectoryName(full)!);
        var resolved = parent is null ? full : System.IO.Path.Combine(parent, System.IO.Path.GetFileName(full));
        if (MountTable.Find(resolved) is not null)
        {
            return resolved; // A directory, then; asking it could wait for ever.
        }

        return FileStatus.Get(resolved, followLinks: false, out var status) == Errno.None && status.IsLink
            ? RealPath.Get(resolved) ?? resolved
            : resolved;
    }

    /// <summary>Checks a resolved path; throws <see cref="FuseMountException"/> that says what to do.</summary>
    public static async Task PrepareAsync(string path, FuseMountOptions options, TimeProvider time)
    {
        for (var layer = 0; layer < StaleLayersMax; layer++)
        {
            var mounted = MountTable.Find(path);
            var (error, status) = await StatusAsync(path, options.HelperTimeout, time).ConfigureAwait(false);
            if (error == Errno.NotConnected)
            {
                ClearStale(path, mounted, options);
                continue;
            }

            if (mounted is { IsOurs: true })
            {
                throw new FuseMountException(
                    FuseMountFailure.AlreadyMounted,
                    $"OrleansCache is already mounted at {path}; unmount it first or choose another directory.");
            }

            Check(path, error, status, options);
            return;
        }

        throw new FuseMountException(
            FuseMountFailure.Stale, $"More than {StaleLayersMax} dead mounts lie on {path}; unmount them first.");
    }

    private static void Check(string path, Errno error, FileStatus status, FuseMountOptions options)
    {
        switch (error)
        {
            case Errno.None when !status.IsDirectory:
            case Errno.NotDirectory:
                throw new FuseMountException(
                    FuseMountFailure.NotDirectory, $"{path} is not a directory; a mount point must be one.");
            case Errno.None:
                break;
            case Errno.NoEntry:
                throw new FuseMountException(
                    FuseMountFailure.Missing, $"The mount point {path} does not exist; create it with mkdir -p.");
            case Errno.TimedOut:
                throw new FuseMountException(
                    FuseMountFailure.AlreadyMounted,
                    $"What is mounted at {path} does not answer; end its process or unmount it.");
            default:
                throw new FuseMountException(
                    FuseMountFailure.Refused, $"The mount point {path} cannot be used: {error}.");
        }

        if (!options.AllowNotEmpty && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new FuseMountException(
                FuseMountFailure.NotEmpty,
                $"The mount point {path} is not empty and the mount would hide its entries; use an empty directory.");
        }
    }

    private static void ClearStale(string path, MountEntry? mounted, FuseMountOptions options)
    {
        if (mounted is not { IsOurs: true })
        {
            throw new FuseMountException(
                FuseMountFailure.Stale,
                $"The process behind the {mounted?.FileSystemType ?? "mount above"} at {path} is gone (ENOTCONN), "
                + "and it is not ours to remove; unmount it first.");
        }

        Unmounting.Run(path, forced: true, options);
    }

    /// <summary>A hanging mount would block stat(2) for ever: ask on a thread that may be left behind.</summary>
    private static async Task<(Errno Error, FileStatus Status)> StatusAsync(
        string path, TimeSpan timeout, TimeProvider time)
    {
        var answer = new TaskCompletionSource<(Errno, FileStatus)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => answer.SetResult((FileStatus.GetFresh(path, out var status), status)))
        {
            IsBackground = true,
            Name = "mount-point-stat",
        };
        thread.Start();
        try
        {
            return await answer.Task.WaitAsync(timeout, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return (Errno.TimedOut, default);
        }
    }
}
