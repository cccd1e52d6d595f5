using Microsoft.Extensions.Logging;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Reading;

/// <summary>What all open files of a process share.</summary>
internal sealed record ReadServices(
    IBlockRouter Router, ICapabilitySource Rights, LeaseTable Leases, ReadaheadBudget Readahead, ReaderOptions Options,
    TimeProvider Time, ILogger Logger)
{
    /// <summary>How long each of their reads may take.</summary>
    public ReadDeadlines Deadlines { get; } = new(Time);

    /// <summary>Told of opens and cold reads; null = small files are not fetched ahead.</summary>
    public DirectoryPrefetch? Directories { get; init; }
}
