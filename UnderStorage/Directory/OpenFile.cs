using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// A file open for reading whose identity was checked when it was opened. A descriptor cannot change its file, so later only the
/// version is looked at. Remembers since when the file has had its version. Counted: whoever holds it (a read, the cache)
/// releases it once; the last one closes it. Thread-safe.
/// </summary>
internal sealed class OpenFile(SafeFileHandle handle, FileId id, FileSystemFacts facts, TimeProvider time)
{
    private readonly Lock _gate = new();
    private FileVersion _version;
    private long _versionSince;
    private bool _hasVersion;
    private int _holders = 1;

    public SafeFileHandle Handle => handle;

    public FileId Id => id;

    /// <summary>Reads the current version.</summary>
    /// <returns>0 or errno.</returns>
    public int Observe(out FileVersion version, out TimeSpan observedFor)
    {
        // The time is taken after the look: "seen for 2 s" must never be longer than it was.
        var errno = FileInspector.ReadVersion(handle, out version);
        observedFor = TimeSpan.Zero;
        if (errno != 0)
        {
            return errno;
        }

        lock (_gate)
        {
            if (!_hasVersion || _version != version)
            {
                (_version, _versionSince, _hasVersion) = (version, time.GetTimestamp(), true);
            }

            observedFor = time.GetElapsedTime(_versionSince);
        }

        return 0;
    }

    /// <summary>How long to wait before <paramref name="version"/>, just observed, can be proven by reading; zero = now.</summary>
    public TimeSpan RemainingUntilProof(FileVersion version, TimeSpan observedFor)
    {
        var nowNs = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        var remaining = ProofOfVersion.Remaining(version.ChangedNs, nowNs, observedFor, facts.IsLocal);
        return remaining > TimeSpan.Zero && facts.IsMultigrain
            && ProofOfVersion.HasFineTime(version.ChangedNs) && LibC.HasNoWriter(handle)
            ? TimeSpan.Zero
            : remaining;
    }

    /// <summary>One more holder. Only who already holds the file, or the cache under its lock, may call this.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            handle.Dispose();
        }
    }
}
