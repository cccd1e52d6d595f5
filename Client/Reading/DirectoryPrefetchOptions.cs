namespace OrleansCache.Reading;

/// <summary>When the next small files of a directory are fetched ahead of need, and how many.</summary>
internal sealed record DirectoryPrefetchOptions
{
    /// <summary>Whether at all.</summary>
    public bool IsOn { get; init; } = true;

    /// <summary>What counts as small: what one answer of the data plane carries.</summary>
    public long FileBytesMax { get; init; } = 1 << 20;

    /// <summary>Files of one directory read cold that make it likely that others will be: three are a package's usual handful.</summary>
    public int ColdReadsToBegin { get; init; } = 4;

    /// <summary>How soon one after the other; also how long a directory is prefetched after its last open.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>On their way at once for one directory: 800 a second at 20 ms, and half of what the silo fetches at once.</summary>
    public int InFlightMax { get; init; } = 16;

    /// <summary>Files of one run: what follows is worth another look at whether anybody reads it.</summary>
    public int FilesMax { get; init; } = 5000;

    /// <summary>Fetched, not yet opened, of one directory; taken of the readahead budget.</summary>
    public long AheadBytesMax { get; init; } = 64 << 20;

    /// <summary>Directories remembered; those being prefetched at once are a quarter of it.</summary>
    public int DirectoriesMax { get; init; } = 16;

    /// <summary>Files that turn out to be cached, one after the other, until the directory counts as cached.</summary>
    public int ResidentInARowMax { get; init; } = 32;

    /// <summary>Listing pages looked through for the place of the files read: 40,000 names.</summary>
    public int PagesMax { get; init; } = 256;

    /// <summary>A tier fuller than this, in percent, takes no files nobody asked for: each would push another one out.</summary>
    public int TierPercentMax { get; init; } = 95;
}
