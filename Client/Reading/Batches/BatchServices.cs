using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Reading.Batches;

/// <summary>What reading many files needs of the client.</summary>
/// <param name="Find">Finds a file by its path, or throws a <see cref="CacheClientException"/>.</param>
/// <param name="Router">Silos.</param>
/// <param name="Files">Reads files one by one: what a batch could not.</param>
/// <param name="Rights">Looks again at files whose version is gone.</param>
/// <param name="Budget">Memory.</param>
/// <param name="Deadlines">Clocks for files that are read one by one.</param>
/// <param name="FileTimeout">Longest time one of those may take, waiting for its turn included.</param>
internal sealed record BatchServices(
    Func<string, CancellationToken, ValueTask<NodeEntry>> Find, IBlockRouter Router, IFileOpener Files, ICapabilitySource Rights,
    ReadManyBudget Budget, ReadDeadlines Deadlines, TimeSpan FileTimeout);
