using System.ComponentModel.DataAnnotations;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Tiers;

namespace OrleansCache.BlockStore;

/// <summary>What a tier directory is made of. For display and, later, for choosing between tiers.</summary>
public enum TierMedium : byte
{
    /// <summary>tmpfs.</summary>
    Memory,

    /// <summary>NVMe.</summary>
    Nvme,

    /// <summary>SATA or SAS SSD.</summary>
    Ssd,

    /// <summary>Rotating disk.</summary>
    Hdd,
}

/// <summary>Which blocks are believed after a restart of the machine.</summary>
public enum RebootTrust : byte
{
    /// <summary>What the last sync barrier covered.</summary>
    UpToLastBarrier,

    /// <summary>None: each is verified before its first use.</summary>
    Nothing,
}

/// <summary>How a block store uses its one tier directory.</summary>
public sealed class BlockStoreOptions
{
    /// <summary>The tier directory; must exist and belong to this silo alone.</summary>
    [Required]
    public required string Directory { get; init; }

    /// <summary>How many bytes of blocks it may hold. The journal (see <see cref="CheckpointJournalBytes"/>) comes on top.</summary>
    [Range(1L << 20, long.MaxValue)]
    public required long CapacityBytes { get; init; }

    /// <summary>What it is made of.</summary>
    public TierMedium Medium { get; init; } = TierMedium.Nvme;

    /// <summary>
    /// Bytes of the disk that stay free whatever the capacity says, because others may write there, too.
    /// 256 MiB: room for the journal, a checkpoint and a log file or two.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long FreeSpaceFloorBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Above this share of the capacity the store evicts in the background, so that fills seldom wait for an eviction.
    /// </summary>
    [Range(0.5, 1.0)]
    public double EvictAboveShare { get; init; } = 0.97;

    /// <summary>Where the background eviction stops. The gap makes one journal commit serve many blocks.</summary>
    [Range(0.3, 1.0)]
    public double EvictDownToShare { get; init; } = 0.95;

    /// <summary>
    /// A power cut makes at most this much time's fills unproven. 30 s: a syncfs that often costs little, and
    /// verifying 30 s of fills takes less than filling them did.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan BarrierPeriod { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What needs no verification after the machine's boot id has changed. The default trusts what a sync barrier covered;
    /// <see cref="RebootTrust.Nothing"/> verifies every block before its first use, for disks that lie about syncs.
    /// </summary>
    public RebootTrust TrustAfterReboot { get; init; } = RebootTrust.UpToLastBarrier;

    /// <summary>A checkpoint of the index is written when the journal has grown by this: 32 MiB replay in well under a second.</summary>
    [Range(1L << 16, 1L << 34)]
    public long CheckpointJournalBytes { get; init; } = 32L << 20;

    /// <summary>The most that <see cref="PackedMaxBytes"/> may be.</summary>
    internal const int PackedBytesMost = 1 << 20;

    /// <summary>
    /// Files of at most this length (and of one block) are packed in log segments instead of a cache file each: no inode and
    /// one disk read, but they cannot be leased. 0 packs nothing; a tier of less than 16 segments (16 MiB with the default)
    /// packs nothing either. 64 KiB: above it the inode no longer weighs, and a lease is worth more.
    /// </summary>
    [Range(0, PackedBytesMost)]
    public int PackedMaxBytes { get; init; } = 64 << 10;

    /// <summary>Cache files kept open. 4096 leaves most of the usual 20,000 descriptors to connections and leases.</summary>
    [Range(16, 1 << 20)]
    public int OpenFilesMax { get; init; } = 4096;

    /// <summary>New leases are refused while unlinked-but-open files hold more than this share of the capacity (DESIGN 5).</summary>
    [Range(0.0, 1.0)]
    public double UnlinkedOpenShareMax { get; init; } = 0.25;

    /// <summary>How long a fill may wait for an eviction before it is told that the tier is full.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan EvictionWaitMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Filled blocks on their way to the disk at once. Enough to keep the disk busy, few enough that a cold read does not queue
    /// behind seconds of writes: docs/design/10-io.md.
    /// </summary>
    [Range(1, 1024)]
    public int WritebackDepth { get; init; } = 4;

    /// <summary>
    /// Drops a block's pages from the page cache once it is filled and synced. Off by default: the reader of a cold block
    /// usually comes back. On where the mount caches by itself, so that nothing is cached twice.
    /// </summary>
    public bool DropPageCacheAfterFill { get; init; }

    /// <summary>The clock: timers and recency.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The machine's boot id; tests give another one to simulate a restart of the machine.</summary>
    public Func<Guid> ReadBootId { get; init; } = BootId.Read;

    /// <summary>The disk; tests give one that fails.</summary>
    internal IDiskIo Io { get; init; } = LinuxDiskIo.Instance;

    /// <summary>Numbers cache files; several disks of a silo share one.</summary>
    internal GenerationCounter? Generations { get; set; }

    /// <summary>Told once when the disk fails, perhaps under locks of the store; without it the store logs it and serves what it has.</summary>
    internal Action<DiskBlockStore, Exception>? Failed { get; set; }

    /// <summary>Offered each block that is evicted, under locks of the store; true: it keeps the pin until it has copied it.</summary>
    internal Func<BlockCopy, bool>? Evicting { get; set; }

    /// <summary>Why nothing that is found here may be believed without its checksum; null: what the journal says counts.</summary>
    internal string? Distrust { get; set; }
}
