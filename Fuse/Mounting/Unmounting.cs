using OrleansCache.Linux;

namespace OrleansCache.Fuse.Mounting;

/// <summary>Takes a FUSE mount off a path, as root or through fusermount3.</summary>
internal static class Unmounting
{
    /// <summary>Unmounts; throws <see cref="FuseMountException"/>, with Busy only when not forced.</summary>
    /// <param name="path">As <see cref="MountPoint.Resolve"/> gives it.</param>
    /// <param name="forced">Detach a mount in use: its open files go on until closed, or end with its process.</param>
    /// <param name="options">Where the helper is.</param>
    public static void Run(string path, bool forced, FuseMountOptions options)
    {
        var error = MountCalls.Unmount(path, UnmountFlags.NoFollow);
        if (error == Errno.Busy && forced)
        {
            error = MountCalls.Unmount(path, UnmountFlags.NoFollow | UnmountFlags.Detach);
        }

        switch (error)
        {
            case Errno.None:
                return;
            case Errno.NotPermitted:
                Fusermount.Unmount(path, forced, options);
                return;
            case Errno.Busy:
                throw Busy(path);
            case Errno.Invalid or Errno.NoEntry:
                throw new FuseMountException(FuseMountFailure.NotMounted, $"Nothing is mounted at {path}.");
            default:
                throw new FuseMountException(FuseMountFailure.Refused, $"Unmounting {path} failed: {error}.");
        }
    }

    /// <summary>
    /// Ends a mount whose process is about to end: busy or not, every request fails from now on. Best effort: what
    /// cannot be aborted ends when the descriptors are closed.
    /// </summary>
    /// <returns>True when it is out of the tree.</returns>
    public static bool TryAbort(string path, FuseMountOptions options)
    {
        var error = MountCalls.Unmount(path, UnmountFlags.NoFollow | UnmountFlags.Force | UnmountFlags.Detach);
        if (error != Errno.NotPermitted)
        {
            return error is Errno.None or Errno.Invalid or Errno.NoEntry;
        }

        Fusermount.Unmount(path, forced: true, options);
        return true;
    }

    internal static FuseMountException Busy(string path) => new(
        FuseMountFailure.Busy,
        $"Files of the mount at {path} are in use; close them (fuser -m {path} names the processes) or force it.");
}
