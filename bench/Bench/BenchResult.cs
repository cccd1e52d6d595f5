namespace OrleansCache.Bench;

/// <summary>The figures of one case over all rounds.</summary>
internal sealed record BenchResult
{
    public required string Workload { get; init; }

    public required string Variant { get; init; }

    public required string State { get; init; }

    public required string Unit { get; init; }

    public required double Median { get; init; }

    public required double Min { get; init; }

    public required double Max { get; init; }

    /// <summary>Median divided by the median of each other variant of the same workload and state.</summary>
    public required IReadOnlyDictionary<string, double> Ratios { get; init; }
}
