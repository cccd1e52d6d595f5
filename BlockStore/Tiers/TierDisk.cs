namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// One disk, in service or not. Everything that changes is changed under the gate of the <see cref="TieredBlockStore"/>.
/// </summary>
internal sealed class TierDisk(BlockStoreOptions options)
{
    public BlockStoreOptions Options { get; } = options;

    public string Directory { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Directory));

    public RendezvousCandidate Candidate { get; } = RendezvousCandidate.Of(
        Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Directory)), options.CapacityBytes);

    public DiskState State { get; set; } = DiskState.Out;

    public string? Reason { get; set; }

    /// <summary>The open store; null while it is out.</summary>
    public DiskBlockStore? Store { get; set; }

    /// <summary>The closing of the store that was there before. True: what it held is on the disk.</summary>
    public Task<bool> Closing { get; set; } = Task.FromResult(true);

    /// <summary>Somebody opens it.</summary>
    public bool IsOpening { get; set; }

    /// <summary>What was dropped while it was out: dropped here, too, before anybody sees it again.</summary>
    public MissedDrops Missed { get; set; } = new();

    public Scrubber? Scrubber { get; set; }

    public long ScrubbedBytes { get; set; }

    /// <summary>Full until then, by the clock's timestamps: fills go elsewhere, so that each does not wait for its eviction.</summary>
    public long FullUntil;
}
