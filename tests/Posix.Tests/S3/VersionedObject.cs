using System.Buffers.Binary;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>Contents that say in every word which version they are, and how long that version is.</summary>
internal static class VersionedObject
{
    /// <summary>Longest version: several blocks of 256 KiB and a piece.</summary>
    internal const int MaxLength = (5 * 256 * 1024) + 780;

    /// <summary>The bytes of a version; every third one is shorter.</summary>
    internal static byte[] Bytes(int version)
    {
        var bytes = new byte[LengthOf(version)];
        for (var at = 0; at < bytes.Length; at += 4)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), version);
        }

        return bytes;
    }

    /// <summary>Length of a version, a multiple of four.</summary>
    internal static int LengthOf(int version) => version % 3 == 0 ? (256 * 1024) + 4 : MaxLength;

    /// <summary>The version that these bytes are, wholly; fails the test when they are a mix or cut.</summary>
    internal static int Check(ReadOnlySpan<byte> bytes)
    {
        Assert.True(bytes.Length >= 4, $"{bytes.Length} bytes are no version");
        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        Assert.Equal(LengthOf(version), bytes.Length);
        for (var at = 0; at < bytes.Length; at += 4)
        {
            var word = BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
            Assert.True(word == version, $"byte {at} is of version {word}, byte 0 of {version}");
        }

        return version;
    }
}
