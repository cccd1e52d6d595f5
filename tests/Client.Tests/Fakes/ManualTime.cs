namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A clock the test moves. Timers run on real time, so that deadlines and pauses still end.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _ticks = 1_000_000;

    /// <summary>Runs when somebody looks at the clock.</summary>
    public Action? OnLook { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        OnLook?.Invoke();
        return Volatile.Read(ref _ticks);
    }

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
