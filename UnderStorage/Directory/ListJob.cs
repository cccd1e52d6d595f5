using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.Linux;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>All entries of one directory, in batches.</summary>
internal sealed class ListJob(
    BeneathRoot root, FileInspector inspector, string path, Action<IReadOnlyList<UnderStorageEntry>> sink)
    : BlockingJob<ReadStatus>
{
    /// <summary>A batch is some 100 KiB of objects: small against a silo, big against the cost of a call.</summary>
    private const int BatchEntries = 512;

    /// <summary>d_ino 8, d_off 8, d_reclen 2, d_type 1, then the name.</summary>
    private const int RecordLengthAt = 16;
    private const int NameAt = 19;

    private readonly List<UnderStorageEntry> _batch = new(BatchEntries);

    protected override unsafe ReadStatus Execute(Scratch scratch)
    {
        using var directory = root.OpenForListing(path, out var errno);
        if (directory is null)
        {
            return (Errno)errno == Errno.NotDirectory ? NotADirectoryOrNotFound() : ErrnoStatus.Of(errno);
        }

        // Looking at the directory itself first teaches the inspector its file system.
        errno = inspector.Inspect(directory, forceSync: false, out _, out _);
        if (errno != 0)
        {
            return ErrnoStatus.Of(errno);
        }

        while (true)
        {
            var length = LibC.GetDents64(directory, scratch.Pointer, Scratch.SizeBytes);
            if (length < 0 && (Errno)Marshal.GetLastPInvokeError() == Errno.Interrupted)
            {
                continue;
            }

            if (length < 0)
            {
                return ErrnoStatus.Of(Marshal.GetLastPInvokeError());
            }

            if (length == 0)
            {
                return Flush() ? ReadStatus.Ok : ReadStatus.DeadlineExceeded;
            }

            var status = AddRecords(directory, scratch.Pointer, (int)length);
            if (status != ReadStatus.Ok)
            {
                return status;
            }
        }
    }

    private unsafe ReadStatus AddRecords(SafeFileHandle directory, byte* records, int length)
    {
        for (var at = 0; at < length;)
        {
            var record = new ReadOnlySpan<byte>(records + at, length - at);
            var recordLength = BinaryPrimitives.ReadUInt16LittleEndian(record[RecordLengthAt..]);
            var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(records + at + NameAt);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            {
                var status = Add(directory, records + at + NameAt, name);
                if (status != ReadStatus.Ok)
                {
                    return status;
                }
            }

            at += recordLength;
        }

        return ReadStatus.Ok;
    }

    private unsafe ReadStatus Add(SafeFileHandle directory, byte* nativeName, ReadOnlySpan<byte> nameBytes)
    {
        var name = EntryName.FromBytes(nameBytes);
        var errno = inspector.InspectEntry(directory, nativeName, out var metadata);
        if (errno == FileInspector.OtherFileSystem)
        {
            using var mounted = root.OpenForStat(path.Length == 0 ? name : $"{path}/{name}", out errno);
            errno = mounted is null ? errno : inspector.Inspect(mounted, forceSync: false, out metadata, out _);
        }

        if (errno != 0)
        {
            var status = ErrnoStatus.Of(errno);
            return status == ReadStatus.NotFound ? ReadStatus.Ok : status; // removed while we list: not in the listing
        }

        _batch.Add(new UnderStorageEntry(name, metadata));
        return _batch.Count < BatchEntries || Flush() ? ReadStatus.Ok : ReadStatus.DeadlineExceeded;
    }

    private bool Flush()
    {
        var waits = WhileCallerWaits(this, static self => self.GiveBatch());
        _batch.Clear();
        return waits;
    }

    private void GiveBatch()
    {
        if (_batch.Count > 0)
        {
            sink(_batch);
        }
    }

    private ReadStatus NotADirectoryOrNotFound()
    {
        // ENOTDIR is said for the last component and for one in the middle alike.
        using var handle = root.OpenForStat(path, out var errno);
        return handle is not null ? ReadStatus.NotADirectory : ErrnoStatus.Of(errno);
    }
}
