using System.Globalization;

namespace OrleansCache.Namespaces;

/// <summary>The freshness promise of a source: <c>always</c>, <c>never</c> or <c>interval(10s)</c>.</summary>
/// <param name="Interval">Zero = always; <see cref="Timeout.InfiniteTimeSpan"/> = never; else the longest age.</param>
[GenerateSerializer, Immutable, Alias("sync")]
public readonly record struct SyncRule([property: Id(0)] TimeSpan Interval)
{
    /// <summary>Ten seconds: an NFS client's own promise is 3 to 60.</summary>
    public static SyncRule Default => new(TimeSpan.FromSeconds(10));

    /// <summary>Ask at every open.</summary>
    public static SyncRule Always => new(TimeSpan.Zero);

    /// <summary>Never ask again.</summary>
    public static SyncRule Never => new(Timeout.InfiniteTimeSpan);

    /// <summary>Whether something of this age must be asked for again.</summary>
    public bool IsDue(TimeSpan age) => Interval != Timeout.InfiniteTimeSpan && age >= Interval;

    /// <summary>Reads <c>always</c>, <c>never</c>, <c>interval(N)</c> with N in ms, s, m or h (1 ms to 7 days).</summary>
    public static bool TryParse(string text, out SyncRule rule)
    {
        rule = default;
        switch (text)
        {
            case "always":
                rule = Always;
                return true;
            case "never":
                rule = Never;
                return true;
        }

        if (!text.StartsWith("interval(", StringComparison.Ordinal) || !text.EndsWith(')'))
        {
            return false;
        }

        var inner = text["interval(".Length..^1];
        var digits = inner.AsSpan().TrimEnd("mshd");
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
        {
            return false;
        }

        var seconds = inner[digits.Length..] switch
        {
            "ms" => amount / 1000,
            "s" => amount,
            "m" => amount * 60,
            "h" => amount * 3600,
            _ => double.NaN,
        };
        if (!(seconds is >= 0.001 and <= 7 * 24 * 3600))
        {
            return false;
        }

        rule = new SyncRule(TimeSpan.FromSeconds(seconds));
        return true;
    }

    /// <summary>The text <see cref="TryParse"/> reads.</summary>
    public override string ToString() =>
        Interval == Timeout.InfiniteTimeSpan ? "never"
        : Interval == TimeSpan.Zero ? "always"
        : Interval.TotalSeconds >= 1 && Interval.Milliseconds == 0
            ? string.Create(CultureInfo.InvariantCulture, $"interval({(long)Interval.TotalSeconds}s)")
            : string.Create(CultureInfo.InvariantCulture, $"interval({(long)Interval.TotalMilliseconds}ms)");
}
