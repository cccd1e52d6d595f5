using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Usage;

namespace OrleansCache.Client.Tests.Reading;

public sealed class UsageReporterTests
{
    [Fact]
    public async Task Reads_the_silo_cannot_see_are_told_once()
    {
        using var rig = new ReadingRig(ReadingRig.BlockSize);
        rig.Silo.FillAll();
        await using var reporter = Make(rig);
        using var reader = await rig.OpenAsync();
        for (var i = 0; i < 5; i++)
        {
            Assert.True(reader.TryRead(0, new byte[100], out _));
        }

        await reporter.FlushAsync(default);
        await reporter.FlushAsync(default);
        var report = Assert.Single(rig.Silo.Reports);
        Assert.Equal((rig.Node.Entry.Key, 5L, 500L), (report.Key, report.Reads, report.Bytes));
    }

    [Fact]
    public async Task What_a_closed_file_had_to_tell_is_told_and_a_dead_silo_is_told_later()
    {
        using var rig = new ReadingRig(ReadingRig.BlockSize, maxIdle: 0);
        rig.Silo.FillAll();
        await using var reporter = Make(rig);
        using (var reader = await rig.OpenAsync())
        {
            Assert.True(reader.TryRead(0, new byte[100], out _));
        }

        reporter.OnRemoved(Assert.Single(rig.Removed));
        rig.Current = null;
        await reporter.FlushAsync(default);
        Assert.Empty(rig.Silo.Reports);
        rig.Current = rig.Silo;
        rig.Silo.IsPresented = false;
        await reporter.FlushAsync(default);
        Assert.Equal(1, Assert.Single(rig.Silo.Reports).Reads);
        Assert.True(rig.Silo.IsPresented);
        Assert.Equal(0, reporter.LostReads);
    }

    [Fact]
    public async Task Disposing_tells_the_rest()
    {
        using var rig = new ReadingRig(ReadingRig.BlockSize);
        rig.Silo.FillAll();
        using var reader = await rig.OpenAsync();
        await using (var reporter = Make(rig))
        {
            reporter.Start();
            Assert.True(reader.TryRead(0, new byte[100], out _));
        }

        Assert.Single(rig.Silo.Reports);
    }

    private static UsageReporter Make(ReadingRig rig) => new(
        rig.Leases, rig, TimeSpan.FromHours(1), TimeProvider.System, NullLogger<UsageReporter>.Instance);
}
