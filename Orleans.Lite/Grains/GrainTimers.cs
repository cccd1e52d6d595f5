namespace Orleans.Runtime;

/// <summary>A grain's timer. It does not overlap with itself and ends with the activation.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Sets when it fires next and how long after each end it fires again.</summary>
    void Change(TimeSpan dueTime, TimeSpan period);
}

/// <summary>How a grain timer fires.</summary>
[method: SetsRequiredMembers]
public readonly struct GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period)
{
    /// <summary>Time to the first firing.</summary>
    public required TimeSpan DueTime { get; init; } = dueTime;
    /// <summary>Time from the end of a callback to the next firing; infinite for one shot.</summary>
    public required TimeSpan Period { get; init; } = period;
    /// <summary>Whether the callback interleaves with calls and other timers.</summary>
    public bool Interleave { get; init; }
    /// <summary>Whether a firing counts as use of the grain.</summary>
    public bool KeepAlive { get; init; }
}
