using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>How often a file of which nothing is cached asks the silo.</summary>
public sealed class ColdFileTests
{
    private const int Block = ReadingRig.BlockSize;

    [Fact]
    public async Task A_small_cold_file_is_read_with_one_request_after_its_open()
    {
        using var rig = Cold(Block);
        using var reader = await rig.OpenAsync();
        Assert.Equal((1, 1), (rig.Silo.Presents, rig.Silo.Leases)); // both in flight at once
        await rig.CheckAsync(reader, 0, Block);
        Assert.Equal((1, 0, 2), (rig.Silo.Reads, rig.Silo.Ensures, rig.Silo.Trips));
    }

    [Fact]
    public async Task Its_second_open_is_one_trip_and_its_reads_are_none()
    {
        using var rig = Cold(Block);
        using (var first = await rig.OpenAsync())
        {
            await rig.CheckAsync(first, 0, Block);
        }

        var before = rig.Silo.Trips;
        using var second = await rig.OpenAsync();
        Assert.True(second.TryRead(0, new byte[Block], out _));
        Assert.Equal(1, rig.Silo.Trips - before);
    }

    [Fact]
    public async Task A_cold_file_read_in_parts_is_leased_before_the_second_and_warm_from_then_on()
    {
        using var rig = Cold(Block);
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 0, 1000);
        await rig.CheckAsync(reader, 1000, 1000);
        Assert.Equal((1, 2, 0), (rig.Silo.Reads, rig.Silo.Leases, rig.Silo.Ensures - 1));
        Assert.True(reader.TryRead(2000, new byte[Block - 2000], out _));
    }

    [Fact]
    public async Task A_cold_read_larger_than_the_first_answer_may_be_goes_by_the_lease()
    {
        using var rig = Cold(8 * Block);
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 0, 5 * Block);
        Assert.Equal(0, rig.Silo.Reads);
        Assert.Equal(1, rig.Leases.Leases);
    }

    [Fact]
    public async Task A_file_without_a_block_is_not_barred_from_leases()
    {
        using var rig = Cold(4 * Block);
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 0, 100);
        rig.Silo.LeaseAnswers.Enqueue(ReadStatus.NotFound); // evicted, or not arrived yet
        rig.Silo.LeaseAnswers.Enqueue(ReadStatus.NotFound);
        await rig.CheckAsync(reader, 2 * Block, 100);
        await rig.CheckAsync(reader, 3 * Block, 100);
        Assert.Equal(1, rig.Leases.Leases);
        Assert.True(reader.TryRead(3 * Block, new byte[100], out _));
    }

    [Fact]
    public async Task A_full_store_costs_a_cold_file_no_lease_at_every_read()
    {
        using var rig = Cold(4 * Block);
        using var reader = await rig.OpenAsync();
        for (var i = 0; i < 20; i++)
        {
            Array.Clear(rig.Silo.Resident);
            rig.Silo.EnsureAnswers.Enqueue(ReadStatus.Unavailable);
            await rig.CheckAsync(reader, i * 1000, 100);
        }

        Assert.Equal(20, rig.Silo.Reads);
        Assert.InRange(rig.Silo.Leases, 1, 2);
    }

    [Fact]
    public async Task A_right_unknown_to_the_silo_is_presented_again_before_the_first_bytes()
    {
        using var rig = Cold(Block);
        using var reader = await rig.OpenAsync();
        rig.Silo.IsPresented = false;
        await rig.CheckAsync(reader, 0, Block);
        Assert.Equal((2, 2), (rig.Silo.Presents, rig.Silo.Reads));
    }

    [Fact]
    public async Task Several_handles_share_the_readahead_of_their_file()
    {
        using var rig = new ReadingRig(64 * Block) { Silo = { CutThroughBytes = 64 * 1024 } };
        using var first = await rig.OpenAsync();
        using var second = await rig.OpenAsync();
        for (var i = 0; i < 16; i++)
        {
            await rig.CheckAsync(i % 2 == 0 ? first : second, i * 64 * 1024, 64 * 1024);
        }

        var asked = rig.Silo.Prefetches.Sum(range => range.Length);
        Assert.Equal(asked, rig.Silo.Prefetches.Max(range => range.Offset + range.Length) - rig.Silo.Prefetches.Min(range => range.Offset));
        Assert.True(rig.Budget.UsedBytes > 0);
        first.Dispose();
        Assert.True(rig.Budget.UsedBytes > 0);
        second.Dispose();
        Assert.Equal(0, rig.Budget.UsedBytes);
    }

    [Fact]
    public async Task What_is_known_to_be_cached_is_not_asked_for_ahead()
    {
        using var rig = new ReadingRig(32 * Block);
        rig.Silo.FillAll();
        rig.Silo.Punch(31);
        using var reader = await rig.OpenAsync();
        for (var block = 0; block < 20; block++)
        {
            Assert.True(reader.TryRead(block * Block, new byte[Block], out _));
        }

        Assert.Empty(rig.Silo.Prefetches);
    }

    private static ReadingRig Cold(int length) => new(length) { Silo = { LeasesEmptyFiles = false } };
}
