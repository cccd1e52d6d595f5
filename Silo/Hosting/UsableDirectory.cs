using OrleansCache.Linux;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>The questions asked of every directory a user names, before anything is written there.</summary>
internal static class UsableDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// Makes sure that a directory is there and can be written. The last part of its path is made if it is missing; more only
    /// for a path of ours: a longer missing path is a typing error or a disk that is not mounted.
    /// </summary>
    public static void Prepare(string path, string origin, bool createParents)
    {
        try
        {
            if (!Directory.Exists(path))
            {
                CheckCanCreate(path, origin, createParents);
                Directory.CreateDirectory(path, OwnerOnly);
            }

            // The one reliable question whether it can be written, on every file system and with every right.
            var probe = Path.Combine(path, $".probe-{Environment.ProcessId}");
            File.Create(probe, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, origin, exception);
        }
    }

    /// <summary>The error for a directory that cannot be used.</summary>
    public static SiloStartException Refused(string path, string origin, Exception exception) =>
        SiloStartException.Failure(
            (exception as IOException)?.HResult is (int)Errno.NoSpace
                ? $"{origin} {path}: the disk is full; free some space or name a directory on another disk"
                : $"{origin} {path} cannot be written ({exception.Message.TrimEnd('.')}); check its owner and permissions or name another",
            exception);

    private static void CheckCanCreate(string path, string origin, bool createParents)
    {
        if (File.Exists(path))
        {
            throw SiloStartException.Failure($"{origin} {path} is a file; name a directory");
        }

        if (!createParents && Path.GetDirectoryName(path) is { } parent && !Directory.Exists(parent))
        {
            throw SiloStartException.Failure(
                $"{origin} {path} does not exist and neither does {parent}; create it or name another");
        }
    }
}
