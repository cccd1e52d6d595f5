using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>One that may be chosen.</summary>
/// <param name="Seed">Names it, the same after a restart: who else there is does not matter.</param>
/// <param name="Weight">Its share is this over the sum of all; above 0.</param>
internal readonly record struct RendezvousCandidate(ulong Seed, double Weight)
{
    /// <summary>One named by a text.</summary>
    public static RendezvousCandidate Of(string name, double weight)
    {
        var seed = 0xCBF2_9CE4_8422_2325UL; // FNV-1a, then mixed: string hashes of .NET differ from process to process.
        foreach (var c in name)
        {
            seed = (seed ^ c) * 0x0000_0100_0000_01B3UL;
        }

        return new(Rendezvous.Mix(seed), weight);
    }
}

/// <summary>
/// Weighted rendezvous hashing: each key draws an exponentially distributed number from each candidate, with the weight as
/// its rate, and the smallest wins. So a candidate wins in proportion to its weight, and one that comes or goes moves the
/// keys it wins or loses and no others. Pure.
/// </summary>
internal static class Rendezvous
{
    /// <summary>The winner among those whose bit in <paramref name="excluded"/> is not set; -1 if there is none.</summary>
    public static int Choose(FileKey key, ReadOnlySpan<RendezvousCandidate> candidates, ulong excluded = 0)
    {
        var winner = -1;
        var least = double.PositiveInfinity;
        for (var i = 0; i < candidates.Length; i++)
        {
            if ((excluded >> i & 1) == 0 && Draw(key, candidates[i]) is var drawn && (winner < 0 || drawn < least))
            {
                (winner, least) = (i, drawn);
            }
        }

        return winner;
    }

    /// <summary>The finalizer of SplitMix64: every bit of the input changes half of the output's.</summary>
    public static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EBUL;
        return x ^ (x >> 31);
    }

    private static double Draw(FileKey key, RendezvousCandidate candidate)
    {
        var hash = Mix(key.High ^ Mix(key.Low ^ candidate.Seed));
        var uniform = ((hash >> 11) + 0.5) * (1.0 / (1UL << 53)); // Never 0 and never 1.
        return -Math.Log(uniform) / candidate.Weight;
    }
}
