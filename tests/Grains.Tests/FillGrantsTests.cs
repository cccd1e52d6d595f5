using OrleansCache.Blocks;
using OrleansCache.Files;
using OrleansCache.Grains.Blocks;

namespace OrleansCache.Grains.Tests;

public sealed class FillGrantsTests
{
    private static readonly FileKey File = new(1, 2);
    private readonly ManualTime _time = new();
    private readonly FillGrants _grants;

    public FillGrantsTests() => _grants = new(_time);

    [Fact]
    public void One_silo_at_a_time_may_fill_a_run()
    {
        Assert.Equal(new FillGrant(true, null, FillGrants.Lifetime), Ask("a"));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(new FillGrant(false, "a", TimeSpan.FromSeconds(3)), Ask("b"));
        Assert.True(Ask("b", file: new FileKey(1, 3)).Granted); // another file of the shard
    }

    [Fact]
    public void A_grant_lives_as_long_as_it_is_renewed()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.True(Ask("a").Granted);
            _time.Advance(TimeSpan.FromSeconds(4.9));
            Assert.False(Ask("b").Granted);
        }

        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(Ask("b").Granted);
        Assert.Equal("b", Ask("a").Holder);
    }

    [Fact]
    public void A_restarted_silo_takes_over_its_grant_and_its_predecessor_cannot_take_it_back()
    {
        Assert.True(Ask("a", generation: 7).Granted);
        Assert.True(Ask("a", generation: 8).Granted);
        Assert.False(Ask("a", generation: 7).Granted);
        Assert.False(Ask("b").Granted);
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        for (var i = 0; i < FillGrants.MaxRemembered + 10; i++)
        {
            Assert.True(Ask("a", file: new FileKey(9, (ulong)i)).Granted);
        }

        Assert.Equal(FillGrants.MaxRemembered, _grants.Count);
        _time.Advance(FillGrants.Lifetime);
        Assert.True(Ask("b", file: new FileKey(10, 0)).Granted);
        Assert.Equal(1, _grants.Count);
    }

    private FillGrant Ask(string silo, int generation = 1, FileKey? file = null) =>
        _grants.Acquire(new FillRequest(silo, generation, new BlockId(file ?? File, 0)));
}
