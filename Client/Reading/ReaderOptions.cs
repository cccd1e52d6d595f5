namespace OrleansCache.Reading;

/// <summary>Bounds and times of reading.</summary>
internal sealed record ReaderOptions
{
    /// <summary>How long one read or open waits for silos.</summary>
    public required TimeSpan Deadline { get; init; }

    /// <summary>Largest readahead of one sequence of reads.</summary>
    public required long MaxReadaheadBytes { get; init; }
}
