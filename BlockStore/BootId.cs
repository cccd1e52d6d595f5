namespace OrleansCache.BlockStore;

/// <summary>The kernel's random id of this boot: pages written under another one may never have reached the disk.</summary>
public static class BootId
{
    private const string Path = "/proc/sys/kernel/random/boot_id";

    /// <summary>Reads it.</summary>
    public static Guid Read() => Guid.Parse(File.ReadAllText(Path).AsSpan().Trim());
}
