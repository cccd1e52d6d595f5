using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class ConcurrencyLimitTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void It_grows_while_more_at_once_do_not_wait_longer()
    {
        var limit = new ConcurrencyLimit(64, _time);
        Run(limit, 500, _ => 20);
        Assert.Equal(64, limit.Value);
    }

    [Fact]
    public void It_stops_where_more_at_once_only_wait_longer()
    {
        // A pipe that 20 requests fill: beyond that everybody waits in proportion. For ten minutes, so that it has to look again.
        var limit = new ConcurrencyLimit(1024, _time);
        for (var second = 0; second < 600; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Run(limit, 100, inFlight => 20.0 * Math.Max(1, inFlight / 20.0));
            Assert.InRange(limit.Value, 8, 100);
        }

        Assert.InRange(limit.Value, 20, 100);
    }

    [Fact]
    public void It_grows_only_where_it_limits()
    {
        var limit = new ConcurrencyLimit(64, _time);
        for (var i = 0; i < 1000; i++)
        {
            limit.Succeeded(TimeSpan.FromMilliseconds(20), inFlight: 1);
        }

        Assert.InRange(limit.Value, 1, 8);
    }

    [Fact]
    public void It_falls_once_for_all_that_were_under_way_and_comes_back()
    {
        var limit = new ConcurrencyLimit(64, _time);
        Run(limit, 500, _ => 20);
        var sent = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMilliseconds(20));
        for (var i = 0; i < 64; i++)
        {
            limit.Throttled(sent);
        }

        Assert.InRange(limit.Value, 40, 48);
        for (var i = 0; i < 20; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            limit.Throttled(_time.GetTimestamp());
        }

        Assert.Equal(1, limit.Value);
        Run(limit, 20, _ => 20);
        Assert.InRange(limit.Value, 2, 8); // carefully
        _time.Advance(TimeSpan.FromMinutes(1));
        Run(limit, 500, _ => 20);
        Assert.Equal(64, limit.Value);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void It_stays_between_one_and_the_most(int most)
    {
        var limit = new ConcurrencyLimit(most, _time);
        var dice = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            switch (dice.Next(3))
            {
                case 0:
                    limit.Throttled(_time.GetTimestamp());
                    break;
                case 1:
                    limit.Returned();
                    break;
                default:
                    limit.Succeeded(TimeSpan.FromMilliseconds(dice.Next(1, 1000)), dice.Next(1, 10));
                    break;
            }

            Assert.InRange(limit.Value, 1, most);
        }
    }

    private static void Run(ConcurrencyLimit limit, int requests, Func<int, double> firstByteMs)
    {
        for (var i = 0; i < requests; i++)
        {
            limit.Succeeded(TimeSpan.FromMilliseconds(firstByteMs(limit.Value)), limit.Value);
        }
    }
}
