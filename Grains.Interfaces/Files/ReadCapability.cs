using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Files;

/// <summary>
/// The right to read one file version, and all a silo must know to fill its blocks: self-describing, sealed by the
/// <c>DirectoryGrain</c>, checked by the block server without a grain call. Knowing a path or a key is not a right.
/// </summary>
/// <param name="Key">The version's key.</param>
/// <param name="Source">The source it lies in.</param>
/// <param name="Path">Path inside the source, no leading slash, in the mapping of <see cref="EntryName"/>.</param>
/// <param name="File">The file's identity.</param>
/// <param name="Version">The version; its length is the file's length.</param>
/// <param name="BlockSizeBytes">Block size of the source.</param>
/// <param name="Seal">Expiry and MAC.</param>
public sealed record ReadCapability(
    FileKey Key, SourceId Source, string Path, FileId File, FileVersion Version, int BlockSizeBytes, CapabilitySeal Seal)
{
    /// <summary>First byte of the wire form.</summary>
    public const byte FormatVersion = 1;

    /// <summary>Longest wire form accepted: 4,096 bytes of path and the rest.</summary>
    public const int MaxEncodedBytes = 4096 + 2048;

    /// <summary>The layout of the version.</summary>
    public BlockLayout Layout => new(BlockSizeBytes);

    /// <summary>Length of the wire form in bytes.</summary>
    public int EncodedBytes => FixedBytes + Encoding.UTF8.GetByteCount(Path) + ETagByteCount;

    private const int FixedBytes = 1 + 16 + 8 + 16 + 24 + 4 + 8 + 16 + 2 + 2;

    private int ETagByteCount => Version.ETag is null ? 0 : Encoding.UTF8.GetByteCount(Version.ETag);

    /// <summary>A sealed capability. The key derives from the other arguments.</summary>
    public static ReadCapability Issue(
        SourceId source, string path, FileId file, FileVersion version, BlockLayout layout, DateTimeOffset expires, ReadOnlySpan<byte> sealingKey)
    {
        var open = new ReadCapability(
            FileKey.Derive(source, file, version, layout), source, path, file, version, layout.BlockSizeBytes,
            new CapabilitySeal(expires.ToUnixTimeSeconds(), 0, 0));
        var (high, low) = open.ComputeMac(sealingKey);
        return open with { Seal = open.Seal with { MacHigh = high, MacLow = low } };
    }

    /// <summary>Whether the seal is right, the key is the derived one and the time is not over.</summary>
    public bool IsValid(ReadOnlySpan<byte> sealingKey, DateTimeOffset now)
    {
        if (!Layout.IsValid || Key != FileKey.Derive(Source, File, Version, Layout))
        {
            return false;
        }

        var (high, low) = ComputeMac(sealingKey);
        return ((high ^ Seal.MacHigh) | (low ^ Seal.MacLow)) == 0 && now.ToUnixTimeSeconds() < Seal.ExpiresUnixSeconds;
    }

    /// <summary>Writes the wire form.</summary>
    /// <returns>Bytes written, <see cref="EncodedBytes"/>.</returns>
    /// <exception cref="ArgumentException">The destination is too small.</exception>
    public int Encode(Span<byte> destination)
    {
        if (destination.Length < EncodedBytes)
        {
            throw new ArgumentException($"needs {EncodedBytes} bytes, got {destination.Length}", nameof(destination));
        }

        destination[0] = FormatVersion;
        BinaryPrimitives.WriteUInt64BigEndian(destination[1..], Key.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[9..], Key.Low);
        BinaryPrimitives.WriteUInt64BigEndian(destination[17..], Source.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[25..], File.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[33..], File.Low);
        BinaryPrimitives.WriteInt64BigEndian(destination[41..], Version.LengthBytes);
        BinaryPrimitives.WriteInt64BigEndian(destination[49..], Version.ModifiedNs);
        BinaryPrimitives.WriteInt64BigEndian(destination[57..], Version.ChangedNs);
        BinaryPrimitives.WriteInt32BigEndian(destination[65..], BlockSizeBytes);
        BinaryPrimitives.WriteInt64BigEndian(destination[69..], Seal.ExpiresUnixSeconds);
        BinaryPrimitives.WriteUInt64BigEndian(destination[77..], Seal.MacHigh);
        BinaryPrimitives.WriteUInt64BigEndian(destination[85..], Seal.MacLow);
        // The top bit tells an empty ETag from none.
        BinaryPrimitives.WriteUInt16BigEndian(
            destination[93..], Version.ETag is null ? (ushort)0 : (ushort)(0x8000 | ETagByteCount));
        BinaryPrimitives.WriteUInt16BigEndian(destination[95..], checked((ushort)Encoding.UTF8.GetByteCount(Path)));
        var at = FixedBytes;
        at += Version.ETag is null ? 0 : Encoding.UTF8.GetBytes(Version.ETag, destination[at..]);
        return at + Encoding.UTF8.GetBytes(Path, destination[at..]);
    }

    /// <summary>Reads the wire form. The seal is not checked here.</summary>
    /// <returns>False for anything that <see cref="Encode"/> did not write.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> source, out ReadCapability? capability)
    {
        capability = null;
        if (source.Length is < FixedBytes or > MaxEncodedBytes || source[0] != FormatVersion)
        {
            return false;
        }

        var etagField = BinaryPrimitives.ReadUInt16BigEndian(source[93..]);
        var etagBytes = etagField & 0x7FFF;
        var pathBytes = BinaryPrimitives.ReadUInt16BigEndian(source[95..]);
        if (source.Length != FixedBytes + etagBytes + pathBytes || (etagField < 0x8000 && etagBytes != 0) || etagBytes > 1024)
        {
            return false;
        }

        var etag = etagField < 0x8000 ? null : Encoding.UTF8.GetString(source.Slice(FixedBytes, etagBytes));
        capability = new ReadCapability(
            new FileKey(BinaryPrimitives.ReadUInt64BigEndian(source[1..]), BinaryPrimitives.ReadUInt64BigEndian(source[9..])),
            new SourceId(BinaryPrimitives.ReadUInt64BigEndian(source[17..])),
            Encoding.UTF8.GetString(source[(FixedBytes + etagBytes)..]),
            new FileId(BinaryPrimitives.ReadUInt64BigEndian(source[25..]), BinaryPrimitives.ReadUInt64BigEndian(source[33..])),
            new FileVersion(
                BinaryPrimitives.ReadInt64BigEndian(source[41..]),
                BinaryPrimitives.ReadInt64BigEndian(source[49..]),
                BinaryPrimitives.ReadInt64BigEndian(source[57..]),
                etag),
            BinaryPrimitives.ReadInt32BigEndian(source[65..]),
            new CapabilitySeal(
                BinaryPrimitives.ReadInt64BigEndian(source[69..]),
                BinaryPrimitives.ReadUInt64BigEndian(source[77..]),
                BinaryPrimitives.ReadUInt64BigEndian(source[85..])));

        // Bytes that are not UTF-8 decode to longer replacement characters: nobody wrote them, and they would not fit when sealed.
        return capability.Version.LengthBytes >= 0 && capability.EncodedBytes == source.Length;
    }

    private (ulong High, ulong Low) ComputeMac(ReadOnlySpan<byte> sealingKey)
    {
        var unsealed = this with { Seal = Seal with { MacHigh = 0, MacLow = 0 } };
        Span<byte> encoded = stackalloc byte[MaxEncodedBytes];
        var length = unsealed.Encode(encoded);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(sealingKey, encoded[..length], mac);
        return (BinaryPrimitives.ReadUInt64BigEndian(mac), BinaryPrimitives.ReadUInt64BigEndian(mac[8..]));
    }
}
