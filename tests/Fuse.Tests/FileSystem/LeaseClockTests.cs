using OrleansCache.Fuse.FileSystem;

namespace OrleansCache.Fuse.Tests.FileSystem;

public sealed class LeaseClockTests
{
    private readonly SteppedTime _time = new();

    /// <summary>docs/SEMANTICS.md 2.1.</summary>
    [Theory]
    [InlineData(10_000)]
    [InlineData(1_000)]
    [InlineData(50)]
    [InlineData(13)]
    public void The_kernel_is_told_less_than_what_is_left_of_a_lease(int milliseconds)
    {
        var clock = new LeaseClock(_time);
        var lease = TimeSpan.FromMilliseconds(milliseconds);
        var expiry = clock.ExpiryOf(lease);
        for (var step = 0; step < 20; step++)
        {
            var left = lease - (step * lease / 10);
            var told = clock.ForKernel(expiry);
            Assert.True(told == TimeSpan.Zero || told < left - TimeSpan.FromMilliseconds(10), $"{told} of {left}");
            Assert.Equal(left > TimeSpan.Zero, clock.IsLive(expiry));
            _time.Advance(lease / 10);
        }
    }

    [Fact]
    public void No_lease_is_zero_and_an_endless_one_an_hour()
    {
        var clock = new LeaseClock(_time);
        foreach (var none in new[] { TimeSpan.Zero, TimeSpan.MinValue, TimeSpan.FromSeconds(-5) })
        {
            Assert.Equal(TimeSpan.Zero, LeaseClock.ForKernel(none));
            Assert.Equal(TimeSpan.Zero, clock.ForKernel(clock.ExpiryOf(none)));
        }

        foreach (var endless in new[] { Timeout.InfiniteTimeSpan, TimeSpan.MaxValue })
        {
            Assert.InRange(LeaseClock.ForKernel(endless), TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
            Assert.InRange(clock.ForKernel(clock.ExpiryOf(endless)), TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
        }
    }

    private sealed class SteppedTime : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan span) => _ticks += span.Ticks;
    }
}
