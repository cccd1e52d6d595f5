namespace OrleansCache.Bench;

/// <summary>One thing measured: a workload on a variant in a cache state.</summary>
/// <param name="Workload">What is done, such as <c>sequential 1 MiB</c>. Cases of one workload and state are compared.</param>
/// <param name="Variant">On what, such as <c>native</c>.</param>
/// <param name="State">Cache state of DESIGN §14: K, B, R, C; H = the backing file in the page cache, the mount's pages dropped.</param>
/// <param name="Unit">Unit of the figure; more is better.</param>
/// <param name="Run">Measures once.</param>
internal sealed record BenchCase(string Workload, string Variant, string State, string Unit, Func<CancellationToken, Task<double>> Run);
