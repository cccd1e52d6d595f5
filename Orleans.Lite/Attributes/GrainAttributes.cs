using System.Globalization;

namespace Orleans;

/// <summary>
/// The grain type's name in identities and storage. Default: the class name without "Grain", in lower case.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class GrainTypeAttribute(string grainType) : Attribute
{
    internal string Name { get; } = grainType;
}

/// <summary>Activations of this class are never collected for being idle.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class KeepAliveAttribute : Attribute;

/// <summary>How long an activation of this class may be idle before it is collected.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class CollectionAgeLimitAttribute : Attribute
{
    private readonly TimeSpan? _age;

    /// <summary>The age is the sum of the named properties.</summary>
    public CollectionAgeLimitAttribute()
    {
    }

    /// <summary>The age as <see cref="TimeSpan"/> text, such as "00:05:00".</summary>
    public CollectionAgeLimitAttribute(string inactivityPeriod) =>
        _age = TimeSpan.Parse(inactivityPeriod, CultureInfo.InvariantCulture);

    /// <summary>Days to add to the age.</summary>
    public double Days { get; init; }

    /// <summary>Hours to add to the age.</summary>
    public double Hours { get; init; }

    /// <summary>Minutes to add to the age.</summary>
    public double Minutes { get; init; }

    /// <summary>Never collect.</summary>
    public bool AlwaysActive { get; init; }

    /// <summary>The resulting age.</summary>
    public TimeSpan AgeLimit => AlwaysActive
        ? Timeout.InfiniteTimeSpan
        : _age ?? TimeSpan.FromDays(Days) + TimeSpan.FromHours(Hours) + TimeSpan.FromMinutes(Minutes);
}

/// <summary>How long a caller of this method waits for the answer, instead of the configured time.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ResponseTimeoutAttribute(string timeout) : Attribute
{
    /// <summary>The time; null when the text does not parse.</summary>
    public TimeSpan? Timeout { get; } =
        TimeSpan.TryParse(timeout, CultureInfo.InvariantCulture, out var value) ? value : null;
}
