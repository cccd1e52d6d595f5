using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Files;

/// <summary>
/// Names one immutable file version in one block layout. Blocks, cache files and the wire speak of it, never of paths.
/// </summary>
/// <param name="High">Upper 64 bits.</param>
/// <param name="Low">Lower 64 bits.</param>
[GenerateSerializer, Immutable, Alias("fkey")]
public readonly record struct FileKey([property: Id(0)] ulong High, [property: Id(1)] ulong Low)
{
    /// <summary>Version of the derivation below: a change makes new keys, so old blocks are never read as new ones.</summary>
    public const byte DerivationVersion = 1;

    private const int MaxETagBytes = 1024;

    /// <summary>The re-derivable key of a version: SHA-256 over source, file, version, block size and layout version.</summary>
    /// <exception cref="ArgumentException">The ETag is longer than 1,024 bytes.</exception>
    public static FileKey Derive(SourceId source, FileId file, FileVersion version, BlockLayout layout)
    {
        var etagBytes = version.ETag is null ? 0 : Encoding.UTF8.GetByteCount(version.ETag);
        if (etagBytes > MaxETagBytes)
        {
            throw new ArgumentException($"an ETag of {etagBytes} bytes is not one (limit {MaxETagBytes})", nameof(version));
        }

        const int FixedBytes = 1 + 8 + 16 + 24 + 4 + 1;
        Span<byte> input = stackalloc byte[FixedBytes + MaxETagBytes];
        input[0] = DerivationVersion;
        BinaryPrimitives.WriteUInt64BigEndian(input[1..], source.Value);
        BinaryPrimitives.WriteUInt64BigEndian(input[9..], file.High);
        BinaryPrimitives.WriteUInt64BigEndian(input[17..], file.Low);
        BinaryPrimitives.WriteInt64BigEndian(input[25..], version.LengthBytes);
        BinaryPrimitives.WriteInt64BigEndian(input[33..], version.ModifiedNs);
        BinaryPrimitives.WriteInt64BigEndian(input[41..], version.ChangedNs);
        BinaryPrimitives.WriteInt32BigEndian(input[49..], layout.BlockSizeBytes);
        input[53] = version.ETag is null ? (byte)0 : (byte)1;
        if (version.ETag is not null)
        {
            Encoding.UTF8.GetBytes(version.ETag, input[FixedBytes..]);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input[..(FixedBytes + etagBytes)], hash);
        return new FileKey(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));
    }

    /// <summary>Thirty-two hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out FileKey key)
    {
        key = default;
        if (text.Length != 32
            || !ulong.TryParse(text[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            || !ulong.TryParse(text[16..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low))
        {
            return false;
        }

        key = new FileKey(high, low);
        return true;
    }
}
