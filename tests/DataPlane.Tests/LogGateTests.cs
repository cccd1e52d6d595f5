using OrleansCache.DataPlane.Server;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A peer cannot fill the log.</summary>
public sealed class LogGateTests
{
    [Fact]
    public void One_event_in_five_seconds_passes_and_says_how_many_did_not()
    {
        var clock = new ManualClock();
        var gate = new LogGate(clock);

        Assert.True(gate.TryPass(out var leftOut));
        Assert.Equal(0, leftOut);
        for (var index = 0; index < 1000; index++)
        {
            Assert.False(gate.TryPass(out _));
        }

        clock.Ticks += 5 * TimeSpan.TicksPerSecond;
        Assert.True(gate.TryPass(out leftOut));
        Assert.Equal(1000, leftOut);
        Assert.False(gate.TryPass(out _));
    }

    private sealed class ManualClock : TimeProvider
    {
        public long Ticks { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Ticks;
    }
}
