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
