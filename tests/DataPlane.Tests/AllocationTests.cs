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
    [InlineData(4 * 1024, true, false)]
    [InlineData(4 * 1024, true, true)]
    [InlineData(128 * 1024, true, false)]
    [InlineData(128 * 1024, true, true)]
    [InlineData(4 * 1024, false, false)]
    [InlineData(4 * 1024, false, true)]
    [InlineData(128 * 1024, false, false)]
    [InlineData(128 * 1024, false, true)]
    public async Task A_warm_read_allocates_nothing(int bytes, bool overUnix, bool cancellable)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
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
    [InlineData(32, 4 * 1024, true, false)]
    [InlineData(32, 100 * 1024, true, true)]
    [InlineData(32, 100 * 1024, false, false)]
    [InlineData(1, 4 * 1024, true, true)]
    [InlineData(1, 4 * 1024, false, false)]
    [InlineData(1, 100 * 1024, false, true)]
    public async Task A_warm_batch_allocates_nothing(int ranges, int bytes, bool overUnix, bool cancellable)
    {
        var batches = Math.Max(200, Reads / ranges);
        var allowed = ranges == 1 ? AllowedBytesPerRead : 1;
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var key = server.Service.Add(Eventually.Ramp(bytes));
        var reads = Enumerable.Range(0, ranges).Select(_ => new BatchRead(key, 0, new byte[bytes], null)).ToArray();
        using var cancellation = new CancellationTokenSource();
        async Task ReadAsync()
        {
            for (var index = 0; index < batches; index++)
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
        for (var round = 0; round < 5 && least > allowed; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await ReadAsync();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(batches * ranges));
        }

        output.WriteLine($"{least:0.00} bytes allocated per range of {bytes} bytes");
        Assert.True(least <= allowed, $"{least:0.00} bytes allocated per range");
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
