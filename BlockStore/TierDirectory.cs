using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>
/// The tier directory on disk: <c>format</c> (what wrote it), <c>lock</c> (one silo at a time), <c>journal/</c>,
/// <c>checkpoint</c>, <c>files/ab/</c> with a sparse cache file per file version, named by its key, and <c>packed/</c> with
/// the log segments of small files. Version 1 had no packed files; it is opened, and is version 2 from then on.
/// </summary>
internal sealed class TierDirectory : IDisposable
{
    private const string FormatMagic = "OrleansCache block store";
    private const int FormatVersion = 2, OldestVersion = 1;
    private const int Shards = 256;

    private readonly SafeFileHandle _lock;
    private readonly string _files;
    private readonly IDiskIo _io;

    private TierDirectory(IDiskIo io, string root, SafeFileHandle lockFile)
    {
        _io = io;
        Root = root;
        _lock = lockFile;
        _files = Path.Combine(root, "files");
        JournalPath = Path.Combine(root, "journal");
        CheckpointPath = Path.Combine(root, "checkpoint");
        PackedPath = Path.Combine(root, "packed");
        Handle = io.Open(root, OpenFlags.Directory);
    }

    public string Root { get; }

    public string JournalPath { get; }

    public string CheckpointPath { get; }

    public string PackedPath { get; }

    /// <summary>The directory itself, for syncs.</summary>
    public SafeFileHandle Handle { get; }

    public static TierDirectory Open(BlockStoreOptions options)
    {
        var root = Path.GetFullPath(options.Directory);
        if (!Directory.Exists(root))
        {
            throw new BlockStoreException(
                BlockStoreError.DirectoryMissing, $"The tier directory {root} does not exist. Create it, or name another one.");
        }

        var lockFile = TakeLock(options.Io, root);
        try
        {
            CheckCapacity(root, options.CapacityBytes);
            var directory = new TierDirectory(options.Io, root, lockFile);
            directory.CheckFormat();
            directory.CreateFolders();
            return directory;
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Where a file version's bytes lie.</summary>
    public string PathOf(FileKey file)
    {
        var name = file.ToString();
        return Path.Combine(_files, name[..2], name);
    }

    /// <summary>Every cache file there is, with its key; strangers come as null.</summary>
    public IEnumerable<(string Path, FileKey? Key)> EnumerateFiles()
    {
        foreach (var path in Directory.EnumerateFiles(_files, "*", SearchOption.AllDirectories))
        {
            yield return (path, FileKey.TryParse(Path.GetFileName(path.AsSpan()), out var key) && PathOf(key) == path ? key : null);
        }
    }

    /// <summary>
    /// A sync failed: the kernel may have dropped pages that a later start, in the same boot, would take for written. True
    /// until a checkpoint holds the distrust.
    /// </summary>
    public bool IsDistrusted => File.Exists(DistrustPath);

    private string DistrustPath => Path.Combine(Root, "distrust");

    /// <summary>Remembers that a sync failed, as well as a failing disk can.</summary>
    public void SetDistrusted(bool distrusted)
    {
        if (distrusted)
        {
            using var marker = _io.Open(DistrustPath, OpenFlags.ReadWrite | OpenFlags.Create);
        }
        else
        {
            _io.Unlink(DistrustPath);
        }

        _io.Sync(Handle);
    }

    public long FreeBytes() => _io.FreeBytes(Root);

    public void Dispose()
    {
        Handle.Dispose();
        FileLock.Unlock(_lock); // Closing is not enough: a child between fork and exec still holds a copy.
        _lock.Dispose();
    }

    private static SafeFileHandle TakeLock(IDiskIo io, string root)
    {
        var lockFile = io.TryOpen(
            Path.Combine(root, "lock"), OpenFlags.ReadWrite | OpenFlags.Create, out var errno);
        if (lockFile is null)
        {
            var cause = new LinuxFileException(errno, $"open {root}/lock");
            throw new BlockStoreException(
                BlockStoreError.NotWritable,
                $"The tier directory {root} cannot be written ({cause.Message}). Give the silo's user write access, or name another directory.",
                cause);
        }

        if (!FileLock.TryLockExclusive(lockFile))
        {
            lockFile.Dispose();
            throw new BlockStoreException(
                BlockStoreError.InUse,
                $"The tier directory {root} is in use by another silo. Stop that one, or give each silo a directory of its own.");
        }

        return lockFile;
    }

    private static void CheckCapacity(string root, long capacityBytes)
    {
        var disk = new DriveInfo(root).TotalSize;
        if (capacityBytes > disk)
        {
            throw new BlockStoreException(
                BlockStoreError.CapacityTooLarge,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The tier {root} is to hold {capacityBytes >> 20} MiB, but its disk has {disk >> 20} MiB. Lower the capacity."));
        }
    }

    private void CheckFormat()
    {
        var path = Path.Combine(Root, "format");
        var expected = FormatOf(FormatVersion);
        if (File.Exists(path))
        {
            var found = File.ReadAllText(path);
            if (found == FormatOf(OldestVersion))
            {
                WriteFormat(path, expected); // Before the first record that the old version would not understand.
            }
            else if (found != expected)
            {
                throw new BlockStoreException(
                    BlockStoreError.UnknownFormat,
                    $"The tier directory {Root} was written by another version of OrleansCache (its format file says "
                    + $"\"{found.ReplaceLineEndings(" ").Trim()}\", this version knows \"version {FormatVersion}\"). "
                    + "Use that version, or empty the directory: only cached data is lost.");
            }

            return;
        }

        if (Directory.Exists(_files) || Directory.Exists(JournalPath))
        {
            throw new BlockStoreException(
                BlockStoreError.UnknownFormat,
                $"The directory {Root} holds files of something else, or its format file was lost. Name an empty directory.");
        }

        WriteFormat(path, expected);
    }

    private static string FormatOf(int version) =>
        string.Create(CultureInfo.InvariantCulture, $"{FormatMagic}\nversion {version}\n");

    private void WriteFormat(string path, string format)
    {
        var temporary = path + ".new";
        using (var file = _io.Open(temporary, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate))
        {
            _io.Write(file, System.Text.Encoding.ASCII.GetBytes(format), 0);
            _io.Sync(file);
        }

        _io.Rename(temporary, path);
        _io.Sync(Handle);
    }

    private void CreateFolders()
    {
        FileOpening.CreateDirectory(JournalPath);
        FileOpening.CreateDirectory(_files);
        FileOpening.CreateDirectory(PackedPath);
        for (var shard = 0; shard < Shards; shard++)
        {
            FileOpening.CreateDirectory(Path.Combine(_files, shard.ToString("x2", CultureInfo.InvariantCulture)));
        }
    }
}
