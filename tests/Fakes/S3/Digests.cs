using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace OrleansCache.Fakes.S3;

/// <summary>The digests S3 speaks. Some are weak: the protocol chose them.</summary>
internal static class Digests
{
    private const string ChecksumPrefix = "x-amz-checksum-";
    private static readonly uint[] Crc32Table = MakeCrc32Table();
    private static readonly ulong[] Crc64Table = MakeCrc64Table();

#pragma warning disable CA5350, CA5351 // MD5 and SHA-1 are what ETags and checksum headers are made of.
    public static byte[] Md5(ReadOnlySpan<byte> bytes) => MD5.HashData(bytes);

    /// <summary>The value of a checksum header, or null for a header that is none.</summary>
    public static string? Checksum(string header, ReadOnlySpan<byte> bytes) => header switch
    {
        ChecksumPrefix + "crc32" => Base64(~Crc32(bytes)),
        ChecksumPrefix + "crc32c" => Base64(~Crc32C(bytes)),
        ChecksumPrefix + "crc64nvme" => Base64(~Crc64(bytes)),
        ChecksumPrefix + "sha1" => Convert.ToBase64String(SHA1.HashData(bytes)),
        ChecksumPrefix + "sha256" => Convert.ToBase64String(SHA256.HashData(bytes)),
        _ => null,
    };
#pragma warning restore CA5350, CA5351

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc = Crc32Table[(byte)(crc ^ one)] ^ (crc >> 8);
        }

        return crc;
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return crc;
    }

    private static ulong Crc64(ReadOnlySpan<byte> bytes)
    {
        var crc = ulong.MaxValue;
        foreach (var one in bytes)
        {
            crc = Crc64Table[(byte)(crc ^ one)] ^ (crc >> 8);
        }

        return crc;
    }

    private static string Base64(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Convert.ToBase64String(bytes);
    }

    private static string Base64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return Convert.ToBase64String(bytes);
    }

    private static uint[] MakeCrc32Table()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
            }

            table[i] = crc;
        }

        return table;
    }

    private static ulong[] MakeCrc64Table()
    {
        var table = new ulong[256];
        for (var i = 0ul; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x9A6C9329AC4BC9B5ul : crc >> 1;
            }

            table[i] = crc;
        }

        return table;
    }
}
