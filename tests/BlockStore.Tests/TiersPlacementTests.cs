using OrleansCache.BlockStore.Tiers;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Which disk a file belongs to.</summary>
public sealed class TiersPlacementTests
{
    private const int Keys = 100_000;

    [Fact]
    public void Disks_get_files_in_proportion_to_their_capacity()
    {
        RendezvousCandidate[] disks = [Disk("/a", 1), Disk("/b", 2), Disk("/c", 4), Disk("/d", 1.5)];
        var won = new int[disks.Length];
        for (var n = 0; n < Keys; n++)
        {
            won[Rendezvous.Choose(Key(n), disks)]++;
        }

        var sum = disks.Sum(disk => disk.Weight);
        for (var i = 0; i < disks.Length; i++)
        {
            var share = Keys * disks[i].Weight / sum;
            Assert.InRange(won[i], share * 0.95, share * 1.05);
        }
    }

    [Fact]
    public void A_disk_that_leaves_moves_its_own_files_only_and_to_all_others()
    {
        RendezvousCandidate[] before = [Disk("/a", 1), Disk("/b", 1), Disk("/c", 1), Disk("/d", 1)];
        RendezvousCandidate[] after = [before[0], before[2], before[3]];
        var heirs = new int[after.Length];
        for (var n = 0; n < Keys; n++)
        {
            var was = before[Rendezvous.Choose(Key(n), before)];
            var now = Rendezvous.Choose(Key(n), after);
            Assert.Equal(now, Rendezvous.Choose(Key(n), before, excluded: 1 << 1) is var other and > 1 ? other - 1 : 0);
            if (was == before[1])
            {
                heirs[now]++;
            }
            else
            {
                Assert.Equal(was, after[now]);
            }
        }

        Assert.All(heirs, got => Assert.InRange(got, Keys / 4 / 3 * 0.9, Keys / 4 / 3 * 1.1));
    }

    [Fact]
    public void The_same_disk_is_chosen_in_every_process()
    {
        RendezvousCandidate[] disks = [Disk("/mnt/nvme0/ocache", 10L << 30), Disk("/mnt/nvme1/ocache", 10L << 30), Disk("/mnt/hdd", 20L << 30)];
        Assert.Equal("2022022010212200", string.Concat(Enumerable.Range(0, 16).Select(n => Rendezvous.Choose(Key(n), disks))));
        Assert.Equal(-1, Rendezvous.Choose(Key(0), disks, excluded: 7));
    }

    private static RendezvousCandidate Disk(string name, double weight) => RendezvousCandidate.Of(name, weight);

    private static FileKey Key(int n) => new((ulong)n * 0x9E37_79B9_7F4A_7C15, (ulong)n);
}
