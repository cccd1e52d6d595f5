using System.Runtime.InteropServices;
using OrleansCache.Files;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>One entry of the fake tree. A new content is a new version and a new key.</summary>
internal sealed class FakeFile(FileId id, FileKind kind)
{
    public FileId Id { get; } = id;

    public FileKind Kind { get; } = kind;

    public SortedDictionary<string, FakeFile> Children { get; } = new(StringComparer.Ordinal);

    public FakeContent Content { get; set; } = FakeContent.Empty;

    public string Target { get; set; } = "";

    public uint Mode { get; set; }

    public uint Links { get; set; } = 1;

    public long ModifiedNs { get; set; } = 1_700_000_000_123_456_789;

    public ulong DeviceNumber { get; set; }

    public FileEntry EntryNamed(string name) => new()
    {
        Name = name,
        Key = Kind == FileKind.File ? new FileKey(Id.Low, Content.Seed) : default,
        BlockSizeBytes = BlockLayout.DefaultBlockSizeBytes,
        Metadata = new FileMetadata
        {
            Id = Id,
            Kind = Kind,
            Version = new FileVersion(Content.LengthBytes, ModifiedNs, ModifiedNs + 1, null),
            Mode = Mode,
            Uid = 1000,
            Gid = 1001,
            Links = Links,
            AccessedNs = ModifiedNs + 2,
            DeviceNumber = DeviceNumber,
        },
    };
}

/// <summary>
/// Bytes that tell their version at every place: word i is seed + i. So any aligned piece shows whether it is one
/// version's.
/// </summary>
internal readonly record struct FakeContent(ulong Seed, long LengthBytes)
{
    public static FakeContent Empty => new(1, 0);

    public void CopyTo(long offsetBytes, Span<byte> destination)
    {
        while (!destination.IsEmpty && offsetBytes % 8 != 0)
        {
            destination[0] = ByteAt(offsetBytes++);
            destination = destination[1..];
        }

        var words = MemoryMarshal.Cast<byte, ulong>(destination);
        for (var index = 0; index < words.Length; index++)
        {
            words[index] = Seed + (ulong)(offsetBytes / 8) + (ulong)index;
        }

        for (var index = words.Length * 8; index < destination.Length; index++)
        {
            destination[index] = ByteAt(offsetBytes + index);
        }
    }

    public byte[] ToArray()
    {
        var bytes = new byte[LengthBytes];
        CopyTo(0, bytes);
        return bytes;
    }

    /// <summary>The seed of the one version that all of an aligned piece is of, or null when it is a mix.</summary>
    public static ulong? SeedOf(long offsetBytes, ReadOnlySpan<byte> piece)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(piece);
        var seed = words[0] - (ulong)(offsetBytes / 8);
        for (var index = 1; index < words.Length; index++)
        {
            if (words[index] != seed + (ulong)(offsetBytes / 8) + (ulong)index)
            {
                return null;
            }
        }

        return seed;
    }

    private byte ByteAt(long offsetBytes) => (byte)((Seed + (ulong)(offsetBytes / 8)) >> (int)(offsetBytes % 8 * 8));
}
