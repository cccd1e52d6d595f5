namespace OrleansCache.Bench;

/// <summary>
/// Runs every case once a round, starting at another case each round, so that the machine's drift hits all alike.
/// </summary>
internal static class InterleavedRounds
{
    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(
        IReadOnlyList<BenchCase> cases, int rounds, CancellationToken cancellationToken)
    {
        var figures = cases.ToDictionary(one => one, _ => new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            for (var step = 0; step < cases.Count; step++)
            {
                var one = cases[(step + round) % cases.Count];
                figures[one].Add(await one.Run(cancellationToken).ConfigureAwait(false));
                Console.Error.WriteLine(FormattableString.Invariant(
                    $"round {round + 1}/{rounds}  {one.Workload}, {one.Variant}, {one.State}: {figures[one][^1]:F0} {one.Unit}"));
            }
        }

        return Summarize([.. cases.Select(one => new BenchFigures(one.Workload, one.Variant, one.State, one.Unit, figures[one]))]);
    }

    /// <summary>Medians, extremes, and ratios between variants of one workload and state.</summary>
    internal static IReadOnlyList<BenchResult> Summarize(IReadOnlyList<BenchFigures> all)
    {
        var medians = all.ToDictionary(one => one, one => Median(one.Values));
        return [.. all.Select(one => new BenchResult
        {
            Workload = one.Workload,
            Variant = one.Variant,
            State = one.State,
            Unit = one.Unit,
            Median = medians[one],
            Min = one.Values.Min(),
            Max = one.Values.Max(),
            Ratios = all
                .Where(other => other != one && other.Workload == one.Workload && other.State == one.State
                    && other.Unit == one.Unit && medians[other] != 0)
                .ToDictionary(other => other.Variant, other => Math.Round(medians[one] / medians[other], 3)),
        })];
    }

    private static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
