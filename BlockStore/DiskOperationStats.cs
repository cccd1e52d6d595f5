namespace OrleansCache.BlockStore;

/// <summary>
/// How long one kind of call of the store to its disk took since it was opened. Reads of cached bytes are not in it: who
/// holds a <see cref="ReadPin"/> or a lease reads past the store.
/// </summary>
/// <param name="Operation">
/// <c>read</c>, <c>write</c>, <c>writeback</c>, <c>commit</c> (journal writes, which wait for the device) or <c>sync</c>.
/// </param>
/// <param name="BoundsSeconds">Upper bounds of the buckets, ascending.</param>
/// <param name="Counts">Calls in each bucket, and those above the last bound.</param>
/// <param name="SumSeconds">All calls together.</param>
/// <param name="InFlight">Calls under way.</param>
public sealed record DiskOperationStats(
    string Operation, IReadOnlyList<double> BoundsSeconds, IReadOnlyList<long> Counts, double SumSeconds, int InFlight);
