using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// The disks in service at one moment, the fastest medium first. Immutable: who read it may use it to its end; a store that
/// was closed meanwhile answers that it has nothing.
/// </summary>
internal sealed class DiskSet
{
    /// <summary>Bits of a word say who was asked already.</summary>
    public const int DisksMax = 64;

    private readonly RendezvousCandidate[] _candidates;
    private readonly int[] _mediumEnds;

    public DiskSet(IEnumerable<TierDisk> inService)
    {
        Disks = [.. inService.OrderBy(disk => disk.Options.Medium)];
        Stores = [.. Disks.Select(disk => disk.Store!)];
        _candidates = [.. Disks.Select(disk => disk.Candidate)];
        _mediumEnds = [.. Enumerable.Range(1, Disks.Length)
            .Where(end => end == Disks.Length || Disks[end].Options.Medium != Disks[end - 1].Options.Medium)];
        Only = Stores.Length == 1 ? Stores[0] : null;
    }

    /// <summary>The one store, when there is one: then nothing has to be chosen.</summary>
    public DiskBlockStore? Only { get; }

    public TierDisk[] Disks { get; }

    public DiskBlockStore[] Stores { get; }

    /// <summary>Where a file belongs: a disk of the fastest medium. There must be one.</summary>
    public int Place(FileKey key) => Rendezvous.Choose(key, _candidates.AsSpan(0, _mediumEnds[0]));

    /// <summary>Whether there is a faster medium than that of this disk.</summary>
    public bool IsSlow(int disk) => disk >= _mediumEnds[0];

    /// <summary>Where a file goes that a disk of this medium gives up: to the next slower one; -1 if there is none.</summary>
    public int PlaceBelow(TierMedium medium, FileKey key)
    {
        var from = 0;
        foreach (var end in _mediumEnds)
        {
            if (Disks[from].Options.Medium > medium)
            {
                return from + Rendezvous.Choose(key, _candidates.AsSpan(from, end - from));
            }

            from = end;
        }

        return -1;
    }

    /// <summary>Where it belongs among those not excluded, the fastest medium first; -1 if there is none.</summary>
    public int Place(FileKey key, ulong excluded)
    {
        var from = 0;
        foreach (var end in _mediumEnds)
        {
            if (Rendezvous.Choose(key, _candidates.AsSpan(from, end - from), excluded >> from) is var chosen and >= 0)
            {
                return from + chosen;
            }

            from = end;
        }

        return -1;
    }
}
