using OrleansCache.UnderStorage.Directories;

namespace OrleansCache.UnderStorage.Tests;

/// <summary>docs/design/03-proof-of-version.md.</summary>
public sealed class ProofOfVersionTests
{
    private const long Now = 1_800_000_000_000_000_000;

    [Theory]
    [InlineData(0.0, 0.0, true, 2.0)]    // just changed, never seen before
    [InlineData(1.5, 0.0, true, 0.5)]    // half a second short
    [InlineData(2.0, 0.0, true, 0.0)]    // old enough
    [InlineData(0.5, 2.0, true, 0.0)]    // seen unchanged for the window
    [InlineData(0.5, 1.9, true, 0.1)]    // nearly
    [InlineData(-100.0, 0.0, true, 2.0)] // from the future: only observation counts
    [InlineData(-100.0, 2.0, true, 0.0)]
    [InlineData(3.0, 0.0, false, 2.0)]   // a server's clock may be wrong
    [InlineData(59.5, 0.0, false, 0.5)]
    [InlineData(60.0, 0.0, false, 0.0)]  // but not by a minute
    public void A_version_is_proven_by_age_or_by_observation(double ageSeconds, double seenSeconds, bool local, double expected)
    {
        var remaining = ProofOfVersion.Remaining(
            Now - (long)(ageSeconds * 1e9), Now, TimeSpan.FromSeconds(seenSeconds), local);
        Assert.Equal(expected, remaining.TotalSeconds, precision: 6);
    }

    [Fact]
    public void Extreme_times_do_not_overflow()
    {
        Assert.Equal(TimeSpan.Zero, ProofOfVersion.Remaining(long.MinValue, long.MaxValue, TimeSpan.Zero, true));
        Assert.Equal(ProofOfVersion.Window, ProofOfVersion.Remaining(long.MaxValue, long.MinValue, TimeSpan.Zero, true));
    }

    [Theory]
    [InlineData(0xEF53, "6.13", true, true)]
    [InlineData(0x58465342, "6.18.44", true, true)]
    [InlineData(0x01021994, "6.12", true, false)]
    [InlineData(0x794C7630, "6.18", true, false)] // overlay
    [InlineData(0x6969, "6.18", false, false)]    // NFS
    [InlineData(0x65735546, "6.18", false, false)] // FUSE
    public void Only_some_local_file_systems_have_a_time_for_every_change(long type, string kernel, bool local, bool multigrain) =>
        Assert.Equal(new FileSystemFacts(9, local, multigrain), FileSystemFacts.From(type, 9, Version.Parse(kernel)));

    [Fact]
    public void Whole_seconds_are_not_fine_times()
    {
        Assert.False(ProofOfVersion.HasFineTime(1_800_000_000_000_000_000));
        Assert.True(ProofOfVersion.HasFineTime(1_800_000_000_000_000_001));
    }
}
