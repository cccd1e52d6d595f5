using System.ComponentModel.DataAnnotations;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>Bounds of one directory source.</summary>
public sealed class DirectoryUnderStorageOptions
{
    /// <summary>Threads that read contents: enough to keep a network file system's queue full.</summary>
    [Range(1, 256)] public int ReadThreads { get; init; } = 12;

    /// <summary>Threads that list and stat: apart, so that bulk reading does not keep a lookup waiting.</summary>
    [Range(1, 64)] public int MetadataThreads { get; init; } = 4;

    /// <summary>Requests that wait for a thread, per kind; the next caller waits outside.</summary>
    [Range(1, 65536)] public int MaxQueued { get; init; } = 256;

    /// <summary>Files kept open between reads: those of the fills under way, a few times over.</summary>
    [Range(1, 4096)] public int MaxOpenFiles { get; init; } = 64;

    /// <summary>How long opening a source may take before it counts as not reachable.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")] public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
