using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Descriptors of cache files, and the locks that travel with them.</summary>
public sealed class LeaseTests
{
    [Fact]
    public async Task A_lease_is_a_readable_locked_descriptor_that_outlives_server_and_connection()
    {
        var content = Eventually.Ramp(10_000);
        var server = new TestServer();
        var connection = await server.ConnectAsync();
        var key = server.Service.Add(content);
        var path = server.Service.PathOf(key);
        using var puncher = FileOpening.Open(path, OpenFlags.ReadOnly);

        var (status, lease) = await connection.LeaseAsync(key, default).Ends();
        Assert.Equal(ReadStatus.Ok, status);
        Assert.NotNull(lease);
        Assert.Equal((7UL, 10_000L, 4096, true), (lease.Generation, lease.LengthBytes, lease.BlockSizeBytes, lease.IsComplete));
        Assert.True(lease.ResidentBlocks.IsEmpty);
        await connection.DisposeAsync();
        await server.DisposeAsync();

        Assert.False(FileLock.TryLockExclusive(puncher), "the lease must hold the lock after the server has gone");
        var read = new byte[content.Length];
        Assert.Equal(content.Length, RandomAccess.Read(lease.Descriptor, read, 0));
        Assert.True(content.AsSpan().SequenceEqual(read), "the bytes differ");
        Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(lease.Descriptor, new byte[1], 0));

        lease.Dispose();
        Assert.True(FileLock.TryLockExclusive(puncher), "the lock ends with the lease");
    }

    [Fact]
    public async Task Many_leases_asked_for_at_once_are_not_mixed_up()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var keys = Enumerable.Range(1, 200).Select(length => server.Service.Add(Eventually.Ramp(length), 64, length % 3 == 0)).ToArray();

        var leases = await Task.WhenAll(keys.Select(key => connection.LeaseAsync(key, default).Ends()));

        for (var index = 0; index < keys.Length; index++)
        {
            using var lease = leases[index].Lease;
            Assert.NotNull(lease);
            Assert.Equal((index + 1, index + 1), (lease.LengthBytes, RandomAccess.GetLength(lease.Descriptor)));
            Assert.Equal(((index + 1) % 3 == 0) ? 0 : ((index / 64) + 8) / 8, lease.ResidentBlocks.Length);
        }
    }

    [Fact]
    public async Task A_large_bitmap_arrives_whole()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(new byte[3_000_000], blockSizeBytes: 1, isComplete: false);

        using var lease = (await connection.LeaseAsync(key, default).Ends()).Lease;

        Assert.NotNull(lease);
        Assert.Equal(375_000, lease.ResidentBlocks.Length);
        Assert.Equal(-1, lease.ResidentBlocks.Span.IndexOfAnyExcept((byte)0b0101_0101));
    }

    [Fact]
    public async Task There_is_no_lease_over_tcp_for_an_unknown_key_or_while_the_file_is_being_punched()
    {
        await using var server = new TestServer();
        await using var tcp = await server.ConnectAsync(overUnix: false);
        await using var unix = await server.ConnectAsync();
        var key = server.Service.Add(new byte[10]);

        Assert.Equal(ReadStatus.NotSupported, (await tcp.LeaseAsync(key, default).Ends()).Status);
        Assert.Equal(ReadStatus.CapabilityRequired, (await unix.LeaseAsync(default, default).Ends()).Status);

        using var puncher = FileOpening.Open(server.Service.PathOf(key), OpenFlags.ReadOnly);
        Assert.True(FileLock.TryLockExclusive(puncher));
        Assert.Equal(new LeaseOutcome(ReadStatus.Unavailable, null), await unix.LeaseAsync(key, default).Ends());
    }
}
