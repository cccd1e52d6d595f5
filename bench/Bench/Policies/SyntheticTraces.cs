namespace OrleansCache.Bench.Policies;

/// <summary>Made-up workloads over items of one size, in terms of how many of them the cache can hold.</summary>
internal sealed class SyntheticTraces(int cacheItems, int itemBytes, int seed)
{
    private const ulong ScanKeys = 1UL << 32;

    /// <summary>A dataset twice the cache, read again and again, each time in another order or always in the same.</summary>
    public Trace Epochs(bool random, int epochs)
    {
        var order = new Random(seed);
        var accesses = new List<Access>();
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            AddEpoch(accesses, 0, 2 * cacheItems, random ? order : null);
        }

        return new Trace(random ? "random epochs, 2x cache" : "sequential epochs, 2x cache", [.. accesses], 2 * cacheItems);
    }

    /// <summary>Popularity falls with rank to the power of <paramref name="skew"/>, over eight times the cache.</summary>
    public Trace Zipf(double skew, int accesses) =>
        new($"Zipf {skew:0.0}, 8x cache", [.. Popular(skew, new Random(seed)).Take(accesses)], accesses / 5);

    /// <summary>Half the uses as in <see cref="Zipf"/>, half from passes over new data that never return.</summary>
    public Trace ZipfAndScan(int accesses)
    {
        var random = new Random(seed);
        using var popular = Popular(1.0, random).GetEnumerator();
        var mixed = new List<Access>();
        for (var scanned = ScanKeys; mixed.Count < accesses;)
        {
            // In bursts, as a copy or a backup reads.
            for (var i = 0; i < 50; i++)
            {
                popular.MoveNext();
                mixed.Add(popular.Current);
            }

            for (var i = 0; i < 50; i++)
            {
                mixed.Add(new Access(1, scanned++, itemBytes));
            }
        }

        return new Trace("Zipf 1.0 + scans", [.. mixed], accesses / 5);
    }

    /// <summary>Random epochs of one dataset, then of another; the last two epochs count.</summary>
    public Trace Changing(int epochsEach)
    {
        var order = new Random(seed);
        var accesses = new List<Access>();
        for (var epoch = 0; epoch < 2 * epochsEach; epoch++)
        {
            AddEpoch(accesses, epoch < epochsEach ? 0 : ScanKeys, 2 * cacheItems, order);
        }

        return new Trace("dataset changes, last 2 epochs", [.. accesses], accesses.Count - (4 * cacheItems));
    }

    private void AddEpoch(List<Access> accesses, ulong firstKey, int items, Random? order)
    {
        var keys = Enumerable.Range(0, items).ToArray();
        order?.Shuffle(keys);
        accesses.AddRange(keys.Select(key => new Access(1, firstKey + (ulong)key, itemBytes)));
    }

    private IEnumerable<Access> Popular(double skew, Random random)
    {
        var sums = new double[8 * cacheItems];
        var sum = 0.0;
        for (var rank = 0; rank < sums.Length; rank++)
        {
            sums[rank] = sum += 1 / Math.Pow(rank + 1, skew);
        }

        while (true)
        {
            var found = Array.BinarySearch(sums, random.NextDouble() * sum);
            yield return new Access(1, (ulong)(found < 0 ? ~found : found), itemBytes);
        }
    }
}
