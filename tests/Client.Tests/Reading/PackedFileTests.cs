using OrleansCache.Client.Tests.Fakes;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>How often a small file that the silo has packed with others asks the silo: a read is one answer.</summary>
public sealed class PackedFileTests
{
    private const int Length = 50_000;

    [Fact]
    public async Task A_warm_packed_file_is_opened_in_one_trip_and_each_read_is_one_request()
    {
        using var rig = new ReadingRig(Length) { Silo = { IsPacked = true } };
        rig.Silo.FillAll();
        using var reader = await rig.OpenAsync();
        Assert.Equal((1, 1), (rig.Silo.Presents, rig.Silo.Leases)); // Both in flight at once.
        for (var read = 1; read <= 5; read++)
        {
            await rig.CheckAsync(reader, 1000 * read, 2000);
            Assert.Equal((read, 1 + read), (rig.Silo.Reads, rig.Silo.Trips));
        }

        Assert.Equal((0, 1), (rig.Silo.Ensures, rig.Silo.Leases));
        Assert.Empty(rig.Silo.Prefetches);
    }

    [Fact]
    public async Task A_cold_one_asks_once_more_where_it_is()
    {
        using var rig = new ReadingRig(Length) { Silo = { IsPacked = true } };
        using var reader = await rig.OpenAsync();
        for (var read = 1; read <= 5; read++)
        {
            await rig.CheckAsync(reader, 0, Length);
        }

        // At the open nothing was there; before the second read a lease is asked for, as for any file.
        Assert.Equal((5, 2, 0), (rig.Silo.Reads, rig.Silo.Leases, rig.Silo.Ensures));
    }

    [Fact]
    public async Task It_is_cached_wholly_or_not_at_all()
    {
        using var rig = new ReadingRig(Length) { Silo = { IsPacked = true } };
        using var reader = await rig.OpenAsync();
        Assert.Equal(0, await reader.GetCachedPercentAsync(default));
        await rig.CheckAsync(reader, 0, 10);
        Assert.Equal(100, await reader.GetCachedPercentAsync(default));
        Assert.Equal(0, rig.Leases.Leases);
    }

    [Fact]
    public async Task One_that_is_evicted_between_two_reads_is_read_all_the_same()
    {
        using var rig = new ReadingRig(Length) { Silo = { IsPacked = true } };
        rig.Silo.FillAll();
        using var reader = await rig.OpenAsync();
        await rig.CheckAsync(reader, 0, Length);
        rig.Silo.Replace(2);
        rig.Silo.IsPacked = false; // It comes back with a cache file of its own.
        await rig.CheckAsync(reader, 0, Length);
        Assert.Equal(2, rig.Silo.Reads);
    }
}
