using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>Attributes and identity of files, from statx and name_to_handle_at. Thread-safe.</summary>
internal sealed unsafe class FileInspector(SourceId source)
{
    /// <summary>Not an errno: the entry is the root of a file system not seen before; it must be opened to be identified.</summary>
    public const int OtherFileSystem = -1;

    private readonly FileSystemFactsCache _facts = new();

    /// <summary>Attributes of an open file or O_PATH descriptor.</summary>
    /// <param name="file">The descriptor.</param>
    /// <param name="forceSync">Ask the server past the kernel's attribute cache.</param>
    /// <param name="metadata">The attributes.</param>
    /// <param name="facts">The file system it lies in.</param>
    /// <returns>0 or errno.</returns>
    public int Inspect(SafeFileHandle file, bool forceSync, out FileMetadata metadata, out FileSystemFacts facts)
    {
        ReadOnlySpan<byte> empty = [0];
        fixed (byte* name = empty)
        {
            var flags = LibC.AtEmptyPath | (forceSync ? LibC.AtStatxForceSync : 0);
            return Inspect(file, name, flags, LibC.AtEmptyPath, out metadata, out facts);
        }
    }

    /// <summary>Attributes of an entry of an open directory; a link is described itself.</summary>
    /// <returns>0, errno or <see cref="OtherFileSystem"/>.</returns>
    public int InspectEntry(SafeFileHandle directory, byte* name, out FileMetadata metadata) =>
        Inspect(directory, name, LibC.AtSymlinkNoFollow, 0, out metadata, out _);

    /// <summary>The version an open file has now: the cheap part of Inspect.</summary>
    /// <returns>0 or errno.</returns>
    public static int ReadVersion(SafeFileHandle file, out FileVersion version)
    {
        StatxBuffer stat;
        ReadOnlySpan<byte> empty = [0];
        fixed (byte* name = empty)
        {
            if (LibC.Statx(file, name, LibC.AtEmptyPath, StatxBuffer.WantedMask, &stat) != 0)
            {
                version = default;
                return Marshal.GetLastPInvokeError();
            }
        }

        version = VersionOf(stat);
        return 0;
    }

    private int Inspect(
        SafeFileHandle directory, byte* name, int statFlags, int handleFlags,
        out FileMetadata metadata, out FileSystemFacts facts)
    {
        metadata = default;
        facts = default;
        StatxBuffer stat;
        if (LibC.Statx(directory, name, statFlags, StatxBuffer.WantedMask, &stat) != 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        var isDescriptor = (handleFlags & LibC.AtEmptyPath) != 0;
        if (!_facts.TryGet(stat, out facts) && !isDescriptor)
        {
            return OtherFileSystem;
        }

        facts = isDescriptor ? _facts.Of(stat, directory) : facts;
        metadata = ToMetadata(stat, IdentityOf(stat, facts.Id, directory, name, handleFlags));
        return 0;
    }

    private FileId IdentityOf(in StatxBuffer stat, ulong fileSystemId, SafeFileHandle directory, byte* name, int flags)
    {
        // Handles hold the inode's generation: a number that is used again is another file. Without handles, the birth time.
        FileHandleBuffer handle;
        handle.HandleBytes = FileHandleBuffer.MaxHandleBytes;
        int mountId;
        var hasHandle = LibC.NameToHandleAt(directory, name, &handle, &mountId, flags) == 0;

        ReadOnlySpan<byte> tag = "ocache.file.1"u8;
        Span<byte> input = stackalloc byte[64 + FileHandleBuffer.MaxHandleBytes];
        tag.CopyTo(input);
        var at = tag.Length;
        BinaryPrimitives.WriteUInt64BigEndian(input[at..], source.Value);
        BinaryPrimitives.WriteUInt64BigEndian(input[(at + 8)..], fileSystemId);
        BinaryPrimitives.WriteUInt64BigEndian(input[(at + 16)..], stat.Inode);
        BinaryPrimitives.WriteInt32BigEndian(input[(at + 24)..], hasHandle ? handle.HandleType : -1);
        at += 28;
        if (hasHandle)
        {
            var bytes = ((ReadOnlySpan<byte>)handle.Data)[..(int)handle.HandleBytes];
            bytes.CopyTo(input[at..]);
            at += bytes.Length;
        }
        else
        {
            var born = (stat.Mask & StatxBuffer.BirthTimeBit) != 0 ? stat.Born.TotalNanoseconds : 0;
            BinaryPrimitives.WriteInt64BigEndian(input[at..], born);
            at += 8;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input[..at], hash);
        return new FileId(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));
    }

    private static FileVersion VersionOf(in StatxBuffer stat) =>
        new((long)stat.Size, stat.Modified.TotalNanoseconds, stat.Changed.TotalNanoseconds, null);

    private static FileMetadata ToMetadata(in StatxBuffer stat, FileId id) => new()
    {
        Id = id,
        Kind = (stat.Mode & 0xF000) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Directory,
            0xA000 => FileKind.Symlink,
            _ => FileKind.Other,
        },
        Version = VersionOf(stat),
        Mode = stat.Mode,
        Uid = stat.Uid,
        Gid = stat.Gid,
        Links = stat.Links,
        AccessedNs = stat.Accessed.TotalNanoseconds,
        DeviceNumber = DeviceNumber(stat.DeviceNodeMajor, stat.DeviceNodeMinor),
    };

    private static ulong DeviceNumber(uint major, uint minor) =>
        (minor & 0xFFUL) | ((major & 0xFFFUL) << 8) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);
}
