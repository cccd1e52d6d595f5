namespace OrleansCache.Bench;

/// <summary>What was measured of one case, a value a round.</summary>
/// <param name="Workload">What is done.</param>
/// <param name="Variant">On what.</param>
/// <param name="State">Cache state of DESIGN §14.</param>
/// <param name="Unit">Unit of the values.</param>
/// <param name="Values">The values.</param>
internal sealed record BenchFigures(string Workload, string Variant, string State, string Unit, IReadOnlyList<double> Values);
