namespace OrleansCache.Fakes.S3;

/// <summary>
/// Many objects that exist only as functions of their index: a million of them cost nothing until somebody asks.
/// <see cref="KeyOf"/> must give ascending keys in <see cref="ObjectKey.Order"/> and always the same.
/// </summary>
public sealed class GeneratedObjects
{
    /// <summary>How many.</summary>
    public required int Count { get; init; }

    /// <summary>The key of an index, ascending.</summary>
    public required Func<int, string> KeyOf { get; init; }

    /// <summary>The length of an index.</summary>
    public Func<int, long> LengthOf { get; init; } = _ => 4096;

    /// <summary>Seed of the contents; an object's is <see cref="SyntheticBytes.SeedOf"/> of this and its key.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>When all were written.</summary>
    public DateTimeOffset LastModified { get; init; } = DateTimeOffset.UnixEpoch.AddDays(20_000);

    /// <summary>First index whose key is not before <paramref name="key"/>.</summary>
    internal int IndexOf(string key)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (ObjectKey.Order.Compare(KeyOf(middle), key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    internal FakeObject? Find(string key)
    {
        var index = IndexOf(key);
        return index < Count && KeyOf(index) == key ? Make(index, key) : null;
    }

    internal FakeObject Make(int index, string key)
    {
        var (seed, length) = (SyntheticBytes.SeedOf(Seed, key), LengthOf(index));
        return new FakeObject
        {
            Content = ObjectContent.Synthetic(length, seed),
            ETag = FakeObject.SyntheticETag(seed, length),
            LastModified = LastModified,
        };
    }
}
