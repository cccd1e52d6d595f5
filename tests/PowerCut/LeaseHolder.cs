using OrleansCache.Linux;

namespace OrleansCache.PowerCut;

/// <summary>Another process that reads a cache file directly: holds the shared flock until its stdin closes.</summary>
internal static class LeaseHolder
{
    public static int Hold(string path)
    {
        using var file = FileOpening.Open(path, OpenFlags.ReadOnly);
        Console.WriteLine(FileLock.TryLockShared(file) ? "held" : "refused");
        Console.In.ReadToEnd();
        return 0;
    }
}
