using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Attributes of what a bucket holds. HEAD, GET and LIST must give equal values for one object, or a listing would outdate what
/// an open found: so the time is in whole seconds (LIST may know milliseconds, the headers never do) and the ETag has no quotes.
/// </summary>
internal static class S3Metadata
{
    private const uint RegularFile = 0x8000;
    private const uint DirectoryType = 0x4000;
    private const uint PermissionBits = 0xFFF;
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const int MaxStackBytes = 1100; // the longest key with what goes before it

    /// <summary>Attributes of an object.</summary>
    /// <param name="source">The source.</param>
    /// <param name="presentation">Owner and mode.</param>
    /// <param name="key">Key relative to the source's prefix.</param>
    /// <param name="length">Length of the object.</param>
    /// <param name="lastModified">When it was written; a time of unknown kind is UTC.</param>
    /// <param name="etag">ETag as the store gave it.</param>
    public static FileMetadata OfObject(
        SourceId source, S3Presentation presentation, string key, long length, DateTime lastModified, string etag)
    {
        var version = VersionOf(length, lastModified, etag);
        return new FileMetadata
        {
            Id = IdOf(source, FileKind.File, key),
            Kind = FileKind.File,
            Version = version,
            Mode = RegularFile | (presentation.FileMode & PermissionBits),
            Uid = presentation.Uid,
            Gid = presentation.Gid,
            Links = 1,
            AccessedNs = version.ModifiedNs,
        };
    }

    /// <summary>Attributes of a directory: the store knows none, so they are always the same.</summary>
    /// <param name="source">The source.</param>
    /// <param name="presentation">Owner and mode.</param>
    /// <param name="prefix">
    /// What its keys begin with, relative to the source's prefix (<see cref="S3Place.Prefix"/>): empty for the root, else
    /// ending in a slash. The key without it would give the root and the root's <c>%empty</c> one identity.
    /// </param>
    public static FileMetadata OfPrefix(SourceId source, S3Presentation presentation, string prefix)
    {
        if (prefix.Length > 0 && prefix[^1] != '/')
        {
            throw new ArgumentException("a prefix ends in a slash: give S3Place.Prefix, not S3Place.Key", nameof(prefix));
        }

        return new FileMetadata
        {
            Id = IdOf(source, FileKind.Directory, prefix),
            Kind = FileKind.Directory,
            Version = new FileVersion(0, 0, 0, null),
            Mode = DirectoryType | (presentation.DirectoryMode & PermissionBits),
            Uid = presentation.Uid,
            Gid = presentation.Gid,
            Links = 1, // "unknown" to find(1), which counts subdirectories by it otherwise
        };
    }

    /// <summary>The version of an object, equal however it was asked for.</summary>
    public static FileVersion VersionOf(long length, DateTime lastModified, string? etag)
    {
        var utc = lastModified.Kind == DateTimeKind.Local ? lastModified.ToUniversalTime() : lastModified;
        var seconds = Math.DivRem(utc.Ticks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerSecond, out var rest) - (rest < 0 ? 1 : 0);
        return new FileVersion(length, seconds * NanosecondsPerSecond, 0, Unquoted(etag));
    }

    private static string? Unquoted(string? etag) => etag switch
    {
        null or "" => null,
        ['"', .. var inner, '"'] => inner,
        _ => etag,
    };

    private static FileId IdOf(SourceId source, FileKind kind, string key)
    {
        var length = sizeof(ulong) + 1 + Encoding.UTF8.GetByteCount(key);
        var bytes = length <= MaxStackBytes ? stackalloc byte[length] : new byte[length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, source.Value);
        bytes[sizeof(ulong)] = (byte)kind;
        Encoding.UTF8.GetBytes(key, bytes[(sizeof(ulong) + 1)..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new FileId(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[sizeof(ulong)..]));
    }
}
