using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>
/// The kernel's disk with faults by rule. It also remembers which bytes no sync has covered, so that a test can lose them as
/// a power cut or a failed sync does, and can stop at any moment for good, as a kill -9 does: from then on nothing reaches
/// the disk. Real syncs are left out: what is synced is known here, and the tests need not wait for the machine's disk.
/// </summary>
internal sealed class FaultyDiskIo(int seed) : IDiskIo
{
    private readonly ConditionalWeakTable<SafeHandle, string> _paths = [];
    private readonly ConcurrentDictionary<string, byte> _touchedByReadFault = new();
    private readonly Lock _gate = new();
    private List<Range> _unsynced = [];
    private volatile bool _dead;
    private int _strikes;
    private int _pendingWritebacks;
    private int _mostPendingWritebacks;

    /// <summary>In force now; replaced as a whole.</summary>
    public IReadOnlyList<FaultRule> Rules { get; set; } = [];

    /// <summary>Faults that struck.</summary>
    public int Strikes => Volatile.Read(ref _strikes);

    /// <summary>Files of which a read failed: the store may have given up blocks of them.</summary>
    public ICollection<string> ReadFaults => _touchedByReadFault.Keys;

    /// <summary>A sync failed by rule: what was dirty then is lost.</summary>
    public bool SyncFailed { get; private set; }

    /// <summary>Ranges begun and not waited for, at most.</summary>
    public int MostPendingWritebacks => Volatile.Read(ref _mostPendingWritebacks);

    /// <summary>Reset: blocks on their way to the disk stay there.</summary>
    public ManualResetEventSlim TakesWritebacks { get; } = new(true);

    /// <summary>Every call and its path, if a test wants to see the order.</summary>
    public ConcurrentQueue<(DiskCall? Call, string Path)>? Calls { get; init; }

    /// <summary>A kill -9 at this moment: whatever the store still tries does not happen.</summary>
    public void Die() => _dead = true;

    /// <summary>
    /// Overwrites with zeros what no sync has covered, all or a random part of it. Returns the files that lost something.
    /// For a store that is closed or dead.
    /// </summary>
    public HashSet<string> LoseUnsynced(double share)
    {
        var random = new Random(seed);
        var lost = new HashSet<string>();
        foreach (var (path, offset, length) in _unsynced)
        {
            if (random.NextDouble() < share && File.Exists(path))
            {
                using var file = FileOpening.Open(path, OpenFlags.ReadWrite);
                RandomAccess.Write(file, new byte[length], offset);
                lost.Add(path);
            }
        }

        return lost;
    }

    public SafeFileHandle? TryOpen(string path, OpenFlags flags, out int errno)
    {
        errno = Strike(DiskCall.Open, path, out _);
        if (errno != 0)
        {
            return null;
        }

        var handle = LinuxDiskIo.Instance.TryOpen(path, flags & ~OpenFlags.DataSync, out errno);
        if (handle is not null)
        {
            _paths.Add(handle, path);
        }

        return handle;
    }

    public int Read(SafeFileHandle file, Span<byte> into, long offsetBytes)
    {
        var path = PathOf(file);
        if (Strike(DiskCall.Read, path, out var torn) is var errno and not 0)
        {
            if (torn && into.Length > 1)
            {
                return LinuxDiskIo.Instance.Read(file, into[..(into.Length / 2)], offsetBytes);
            }

            if (!_dead)
            {
                _touchedByReadFault.TryAdd(path, 0);
            }

            throw new LinuxFileException(errno, $"read {path}");
        }

        return LinuxDiskIo.Instance.Read(file, into, offsetBytes);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes)
    {
        var path = PathOf(file);
        var errno = Strike(DiskCall.Write, path, out var torn);
        var part = errno == 0 ? bytes.Length : torn ? bytes.Length / 3 : 0;
        LinuxDiskIo.Instance.Write(file, bytes[..part], offsetBytes);
        if (part > 0 && (path.Contains("/files/", StringComparison.Ordinal) || path.Contains("/packed/", StringComparison.Ordinal)))
        {
            lock (_gate)
            {
                _unsynced.Add(new(path, offsetBytes, part));
            }
        }

        ThrowIf(errno, "write", path);
    }

    public void SetLength(SafeFileHandle file, long lengthBytes)
    {
        ThrowIf(Strike(DiskCall.SetLength, PathOf(file), out _), "ftruncate", PathOf(file));
        LinuxDiskIo.Instance.SetLength(file, lengthBytes);
    }

    public void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        ThrowIf(Strike(DiskCall.PunchHole, PathOf(file), out _), "fallocate", PathOf(file));
        LinuxDiskIo.Instance.PunchHole(file, offsetBytes, lengthBytes);
    }

    public void Unlink(string path)
    {
        ThrowIf(Strike(DiskCall.Unlink, path, out _), "unlink", path);
        LinuxDiskIo.Instance.Unlink(path);
        lock (_gate)
        {
            _unsynced.RemoveAll(range => range.Path == path);
        }
    }

    public void Rename(string from, string to)
    {
        ThrowIf(Strike(DiskCall.Rename, from, out _), "rename", from);
        LinuxDiskIo.Instance.Rename(from, to);
    }

    public void Sync(SafeFileHandle file) => ThrowIf(Strike(DiskCall.Sync, PathOf(file), out _), "fsync", PathOf(file));

    /// <summary>After a failure what was dirty stays lost, whatever later syncs say.</summary>
    public void SyncFileSystem(SafeFileHandle anyFile)
    {
        List<Range> before;
        lock (_gate)
        {
            before = _unsynced;
            _unsynced = [];
        }

        var errno = Strike(DiskCall.SyncFileSystem, PathOf(anyFile), out _);
        SyncFailed |= errno != 0 && !_dead;
        if (SyncFailed || errno != 0)
        {
            lock (_gate)
            {
                _unsynced = [.. before, .. _unsynced];
            }
        }

        ThrowIf(errno, "syncfs", PathOf(anyFile));
    }

    public void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        var pending = Interlocked.Increment(ref _pendingWritebacks);
        _mostPendingWritebacks = Math.Max(_mostPendingWritebacks, pending); // One thread begins them.
    }

    /// <summary>A failure is a failed sync; a success proves nothing, for nothing is flushed.</summary>
    public void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        TakesWritebacks.Wait();
        var errno = Strike(DiskCall.Writeback, PathOf(file), out _);
        Interlocked.Decrement(ref _pendingWritebacks);
        SyncFailed |= errno != 0 && !_dead;
        ThrowIf(errno, "sync_file_range", PathOf(file));
    }

    public void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        Calls?.Enqueue((null, PathOf(file)));
        LinuxDiskIo.Instance.DropPages(file, offsetBytes, lengthBytes);
    }

    public long FreeBytes(string directory)
    {
        ThrowIf(Strike(DiskCall.FreeBytes, directory, out _), "statfs", directory);
        return LinuxDiskIo.Instance.FreeBytes(directory);
    }

    private static void ThrowIf(int errno, string call, string path)
    {
        if (errno != 0)
        {
            throw new LinuxFileException(errno, $"{call} {path} (injected)");
        }
    }

    /// <summary>The error number to fail with, or 0.</summary>
    private int Strike(DiskCall call, string path, out bool torn)
    {
        Calls?.Enqueue((call, path));
        torn = false;
        if (_dead)
        {
            return FaultRule.InputOutputError;
        }

        var rules = Rules;
        for (var i = 0; i < rules.Count; i++)
        {
            if (!rules[i].Strikes(call, path, seed + i))
            {
                continue;
            }

            Interlocked.Increment(ref _strikes);
            if (rules[i].Kind != FaultKind.Delay)
            {
                torn = rules[i].Kind == FaultKind.Tear;
                return rules[i].Errno;
            }

            Thread.Sleep(2);
        }

        return 0;
    }

    private string PathOf(SafeFileHandle file) => _paths.TryGetValue(file, out var path) ? path : string.Empty;

    private readonly record struct Range(string Path, long OffsetBytes, int LengthBytes);
}
