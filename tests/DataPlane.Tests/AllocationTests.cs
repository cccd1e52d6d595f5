using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests;

/// <summary>What a warm read costs the garbage collector: client and server together, since both are in this process.</summary>
[Collection("alone")]
public sealed class AllocationTests(ITestOutputHelper output)
{
    private const int Reads = 2000;

    // 0 is the aim and what is measured; the rest is the runtime's own (thread pool, tiering), spread over 2,000 reads.
    private const double AllowedBytesPerRead = 8;

    [Theory]
    [InlineData(4 * 1024, false)]
    [InlineData(4 * 1024, true)]
    [InlineData(128 * 1024, false)]
    [InlineData(128 * 1024, true)]
    public async Task A_warm_read_over_the_unix_socket_allocates_nothing(int bytes, bool cancellable)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(bytes));
        var buffer = new byte[bytes];
        using var cancellation = new CancellationTokenSource();
        var token = cancellable ? cancellation.Token : CancellationToken.None;
        await ReadManyAsync(connection, key, buffer, token);

        var least = double.MaxValue;
        for (var round = 0; round < 5 && least > AllowedBytesPerRead; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await ReadManyAsync(connection, key, buffer, token);
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Reads);
        }

        output.WriteLine($"{least:0.0} bytes allocated per read of {bytes} bytes");
        Assert.True(least <= AllowedBytesPerRead, $"{least:0.0} bytes allocated per read");
    }

    [Theory]
    [InlineData(4 * 1024, false)]
    [InlineData(100 * 1024, true)]
    public async Task A_warm_batch_allocates_nothing(int bytes, bool cancellable)
    {
        const int Batches = 200;
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(bytes));
        var reads = Enumerable.Range(0, 32).Select(_ => new BatchRead(key, 0, new byte[bytes], null)).ToArray();
        using var cancellation = new CancellationTokenSource();
        async Task ReadAsync()
        {
            for (var index = 0; index < Batches; index++)
            {
                var outcome = await connection.ReadBatchAsync(reads, cancellable ? cancellation.Token : default).ConfigureAwait(false);
                if (outcome.Status != ReadStatus.Ok)
                {
                    Assert.Fail($"batch {index} ended with {outcome.Status}");
                }
            }
        }

        await ReadAsync();
        var least = double.MaxValue;
        for (var round = 0; round < 5 && least > 1; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await ReadAsync();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(Batches * reads.Length));
        }

        output.WriteLine($"{least:0.00} bytes allocated per range of {bytes} bytes");
        Assert.True(least <= 1, $"{least:0.00} bytes allocated per range");
    }

    private static async Task ReadManyAsync(BlockConnection connection, FileKey key, byte[] buffer, CancellationToken token)
    {
        for (var index = 0; index < Reads; index++)
        {
            var outcome = await connection.ReadAsync(key, 0, buffer, token).ConfigureAwait(false);
            if (outcome.Status != ReadStatus.Ok)
            {
                Assert.Fail($"read {index} ended with {outcome.Status}");
            }
        }
    }
}

/// <summary>Runs while no other test does: allocations are counted for the whole process.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneDefinition;
