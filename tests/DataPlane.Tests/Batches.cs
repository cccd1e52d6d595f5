using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Batches as the tests make them.</summary>
internal static class Batches
{
    /// <summary>A range with a buffer of its own.</summary>
    public static BatchRead Range(FileKey key, long offset, int length, ReadCapability? capability = null) =>
        new(key, offset, new byte[length], capability);

    /// <summary>The right to read something; "refused" is no right.</summary>
    public static ReadCapability Capability(string path) => ReadCapability.Issue(
        new SourceId(9), path, new FileId(1, 2), new FileVersion(1000, 5, 6, "etag"), new BlockLayout(1 << 20),
        DateTimeOffset.UnixEpoch.AddDays(1), "sealing key"u8);

    /// <summary>The request frame of ranges without capabilities.</summary>
    public static byte[] Frame(IReadOnlyList<RangeRequest> ranges, ulong id = 1)
    {
        var payload = new byte[ranges.Count * BatchCodec.FixedBytes];
        for (var index = 0; index < ranges.Count; index++)
        {
            BatchCodec.Write(ranges[index], null, payload.AsSpan(index * BatchCodec.FixedBytes));
        }

        return RawPeer.Frame(FrameType.ReadBatch, payload, id);
    }

    public static void IsRight(in BatchRead read, byte[] content)
    {
        Assert.Equal(ReadStatus.Ok, read.Answer);
        var expected = content.AsSpan((int)read.OffsetBytes, read.Destination.Length);
        Assert.True(expected.SequenceEqual(read.Destination.Span), $"wrong bytes at {read.OffsetBytes}+{read.Destination.Length}");
    }
}
