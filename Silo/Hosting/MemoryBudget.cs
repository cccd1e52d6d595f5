namespace OrleansCache.Silo.Hosting;

/// <summary>
/// How one process limit becomes limits of its parts. What is not the collector's heap (runtime, code, stacks, sqlite, the
/// journal's native buffers, sockets) gets the rest.
/// </summary>
/// <param name="ProcessBytes">What the process may use.</param>
internal sealed record MemoryBudget(long ProcessBytes)
{
    /// <summary>A known capability with its path and its place in the table.</summary>
    private const int CapabilityBytes = 512;

    /// <summary>An idle connection to the data port. Measured, 1,500 of each: 8.4 KiB, and 38.7 behind TLS.</summary>
    private const int ConnectionBytes = 8 << 10, TlsConnectionBytes = 40 << 10;

    /// <summary>The heap's hard limit: over it the process fails instead of the machine. 60 %: measured native use is 120 MiB of 512.</summary>
    public long HeapBytes => ProcessBytes / 10 * 6;

    /// <summary>Capabilities kept: an eighth of the budget, at most a million.</summary>
    public int Capabilities => (int)Math.Clamp(ProcessBytes / 8 / CapabilityBytes, 4096, 1_000_000);

    /// <summary>Connections to the data port at once: a quarter of the budget if all are idle, and at most so many.</summary>
    public int Connections(bool areTls, int most) =>
        (int)Math.Min(most, ProcessBytes / 4 / (areTls ? TlsConnectionBytes : ConnectionBytes));

    /// <summary>Pieces of blocks in memory at once: an eighth of the budget.</summary>
    public int ConcurrentFills(int wanted, int pieceBytes) =>
        (int)Math.Clamp(Math.Min(wanted, ProcessBytes / 8 / pieceBytes), 1, 256);

    /// <summary>The smaller of what was asked for and three quarters of what the machine or the container has.</summary>
    public static MemoryBudget Of(long wantedBytes, long availableBytes) =>
        new(Math.Min(wantedBytes, availableBytes / 4 * 3));

    /// <summary>Makes the collector keep to it.</summary>
    public void ApplyToCollector()
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)HeapBytes);
        GC.RefreshMemoryLimit();
    }
}
