namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// When equal attributes prove equal contents (docs/design/03-proof-of-version.md). Only ctime counts: mtime can be set by hand.
/// A young ctime proves nothing, because a second change within the clock's grain may carry the same time.
/// </summary>
internal static class ProofOfVersion
{
    /// <summary>Two seconds: the coarsest grain in use (FAT, old NFS servers).</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(2);

    /// <summary>How wrong a server's clock may be for its times to count at first sight: nearly a minute.</summary>
    public static readonly TimeSpan RemoteClockAllowance = TimeSpan.FromSeconds(58);

    /// <summary>How long to wait before a version can be proven; zero = it can be now.</summary>
    /// <param name="changedNs">Its ctime.</param>
    /// <param name="nowNs">This machine's wall clock.</param>
    /// <param name="observedFor">How long we have seen the file with exactly this version, on the monotonic clock.</param>
    /// <param name="isLocal">Whether ctime comes from this machine's clock.</param>
    public static TimeSpan Remaining(long changedNs, long nowNs, TimeSpan observedFor, bool isLocal)
    {
        // Seen unchanged for the whole window: whatever the clocks say, later changes have later times.
        var byObservation = Window - observedFor;
        if (byObservation <= TimeSpan.Zero)
        {
            return TimeSpan.Zero;
        }

        var age = (Int128)nowNs - changedNs;
        if (age < 0)
        {
            return byObservation; // a time in the future: the clock was turned back, so age says nothing
        }

        var needed = isLocal ? Window : Window + RemoteClockAllowance;
        var byAge = TimeSpan.FromTicks((long)Int128.Max(0, ((Int128)needed.Ticks * 100 - age + 99) / 100));
        return byAge < byObservation ? byAge : byObservation;
    }

    /// <summary>
    /// Whether a ctime can be one of its own on a multigrain file system: one without nanoseconds (128-byte ext4 inodes, ext2)
    /// is cut to whole seconds and can not.
    /// </summary>
    public static bool HasFineTime(long changedNs) => changedNs % 1_000_000_000 != 0;
}
