using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>Errors that do not mean that a disk is broken.</summary>
internal static class DiskErrors
{
    private const int TooManyFiles = 24, TooManyFilesInSystem = 23, QuotaExceeded = 122; // EMFILE, ENFILE, EDQUOT

    /// <summary>The file system has no room: eviction cures it.</summary>
    public static bool IsFull(Exception exception) => exception.HResult is FileSpace.NoSpace or QuotaExceeded;

    /// <summary>Ours to bear until some files are closed.</summary>
    public static bool IsShortOfDescriptors(int errno) => errno is TooManyFiles or TooManyFilesInSystem;
}
