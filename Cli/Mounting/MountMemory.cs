namespace OrleansCache.Cli.Mounting;

/// <summary>The memory of a process that serves a mount: half a GiB, or less where the machine or the container has less.</summary>
internal static class MountMemory
{
    private const long ProcessBytes = 512L << 20;

    /// <summary>
    /// The collector's part, three quarters: nodes, names and buffers of reads; code, stacks and session buffers get the rest.
    /// </summary>
    public static long HeapBytes(long availableBytes) => Math.Min(ProcessBytes, availableBytes / 4 * 3) / 4 * 3;

    /// <summary>Makes the collector keep to it. It knows what the container allows.</summary>
    public static void Apply()
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)HeapBytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        GC.RefreshMemoryLimit();
    }
}
