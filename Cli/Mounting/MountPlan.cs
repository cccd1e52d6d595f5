namespace OrleansCache.Cli.Mounting;

/// <summary>What is to be mounted.</summary>
/// <param name="Access">The cluster.</param>
/// <param name="MountPoint">Where, absolute.</param>
/// <param name="Path">Directory of the namespace.</param>
/// <param name="AllowOther">Whether other users may look in without root.</param>
/// <param name="LogFile">Where the daemon logs.</param>
/// <param name="IsDefaultLog">Whether nobody named that file.</param>
internal sealed record MountPlan(
    ClusterAccess Access, string MountPoint, string Path, bool AllowOther, string LogFile, bool IsDefaultLog)
{
    /// <summary>Where a daemon logs when nobody says: one file for a mount point.</summary>
    public static string DefaultLogFile(string mountPoint)
    {
        var folder = Environment.IsPrivilegedProcess
            ? "/var/log/ocache"
            : System.IO.Path.Combine(
                Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state
                    ? state
                    : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/state"),
                "ocache");
        return System.IO.Path.Combine(folder, $"mount{mountPoint.Replace('/', '-')}.log");
    }

    /// <summary>Removes a default log nobody wrote to: a mount that went well leaves nothing behind.</summary>
    public void RemoveEmptyLog()
    {
        var log = new FileInfo(LogFile);
        if (!IsDefaultLog || log is not { Exists: true, Length: 0 })
        {
            return;
        }

        log.Delete();
        if (log.Directory is { } folder && !folder.EnumerateFileSystemInfos().Any())
        {
            folder.Delete();
        }
    }
}
