using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Every answer says at which epoch its silo knows the group, so a client learns of a newer one with its next read.</summary>
public sealed class RingEpochTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_kind_of_answer_carries_the_epoch(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var small = server.Service.Add(Eventually.Ramp(100));
        var large = server.Service.Add(Eventually.Ramp(100_000));
        Assert.Equal(0UL, connection.RingEpoch);
        var epoch = 0UL;

        await LearnsAsync(async () => Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(small, 0, new byte[100], default).Ends()).Status));
        await LearnsAsync(async () => await connection.ReadAsync(large, 0, new byte[100_000], default).Ends());
        await LearnsAsync(async () => await connection.ReadBatchAsync(new[] { Batches.Range(small, 0, 10) }, default).Ends());
        await LearnsAsync(async () => await connection.ReadBatchAsync(new[] { Batches.Range(default, 0, 10) }, default).Ends());
        await LearnsAsync(async () => await connection.ReadAsync(new FileKey(1, 2), 0, new byte[1], default).Ends());
        await LearnsAsync(async () => await connection.EnsureAsync(small, 0, 100, default).Ends());
        await LearnsAsync(async () => await connection.PresentAsync(Batches.Capability("refused"), default).Ends());
        await LearnsAsync(async () => await connection.GetStatusAsync(default).Ends());
        if (overUnix)
        {
            await LearnsAsync(async () => (await connection.LeaseAsync(small, default).Ends()).Lease!.Dispose());
        }

        async Task LearnsAsync(Func<Task> ask)
        {
            server.Service.RingEpoch = ++epoch;
            await ask();
            Assert.Equal(epoch, connection.RingEpoch);
        }
    }

    [Fact]
    public async Task An_older_epoch_is_not_believed_again()
    {
        var (client, server) = await FakeServer.ConnectAsync();
        using (server)
        {
            foreach (var (named, known) in new[] { (7UL, 7UL), (0UL, 7UL), (6UL, 7UL), (8UL, 8UL) })
            {
                var status = client.PresentAsync(Batches.Capability("any"), default);
                var id = server.ReceiveRequestId(Batches.Capability("any").EncodedBytes);
                var answer = new byte[FrameHeader.Bytes];
                new FrameHeader(FrameType.Present, FrameFlags.Answer, ReadStatus.Ok, 0, id, named).Write(answer);
                Assert.True(server.Socket.SendAll(answer));
                Assert.Equal(ReadStatus.Ok, await status.Ends());
                Assert.Equal(known, client.RingEpoch);
            }

            await client.DisposeAsync();
        }
    }
}
