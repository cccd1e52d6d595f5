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

    /// <summary>Gives batches up at any point of their answer: their buffers are the caller's again at once, and nothing stays behind.</summary>
    public static async Task CancelAtRandomAsync(TestServer server, BlockConnection connection, int rounds)
    {
        var key = server.Service.Add(Enumerable.Repeat((byte)0xAB, 1 << 20).ToArray());
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var cancelled = 0;
        var buffers = Enumerable.Range(0, 20).Select(_ => new byte[200_000]).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            var reads = buffers.Select(buffer => new BatchRead(key, 0, buffer, null)).ToArray();
            using var cancellation = new CancellationTokenSource();
            var batch = connection.ReadBatchAsync(reads, cancellation.Token).Ends();
            for (var spin = random.Next(100_000); spin > 0; spin--)
            {
                Thread.SpinWait(1);
            }

            await cancellation.CancelAsync();
            try
            {
                Assert.Equal(ReadStatus.Ok, (await batch).Status);
            }
            catch (OperationCanceledException)
            {
                // The buffers are ours again: whoever writes now is the bug this test looks for.
                cancelled++;
                Array.ForEach(buffers, buffer => buffer.AsSpan().Clear());
                Array.ForEach(reads, read => read.Answer = null);
                Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[1 << 20], default).Ends()).Status);
                Assert.All(buffers, buffer => Assert.True(buffer.AsSpan().IndexOfAnyExcept((byte)0) < 0, $"seed {seed}: written after the end"));
            }
        }

        Assert.True(connection.IsOpen, "cancelling must not cost the connection");
        Assert.True(cancelled > 0, "no batch was cancelled: the test has tested nothing");
        await Eventually.Is(() => connection.RequestsInFlight == 0 && server.Service.Pins == 0, $"seed {seed}: everything is given back");
    }
}
