using Microsoft.Extensions.Logging;
using OrleansCache.Metadata;
using OrleansCache.Routing;

namespace OrleansCache.Reading;

/// <summary>What all open files of a process share.</summary>
internal sealed record ReadServices(
    IBlockRouter Router, ICapabilitySource Rights, LeaseTable Leases, ReadaheadBudget Readahead, ReaderOptions Options,
    TimeProvider Time, ILogger Logger);
