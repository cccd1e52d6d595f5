namespace OrleansCache.Grains.Listings;

/// <summary>The order of positions in a directory: by their bytes in UTF-8, which is not that of UTF-16.</summary>
public sealed class PositionOrder : IComparer<string>
{
    private const int FirstSurrogate = 0xD800;
    private const int AfterSurrogates = 0xE000;

    /// <summary>The order.</summary>
    public static readonly PositionOrder Instance = new();

    private PositionOrder()
    {
    }

    /// <summary>Negative, zero or positive as <paramref name="x"/> is before, at or after <paramref name="y"/>.</summary>
    public int Compare(string? x, string? y)
    {
        var one = x.AsSpan();
        var other = y.AsSpan();
        var same = one.CommonPrefixLength(other);
        return same == one.Length || same == other.Length ? one.Length - other.Length : Weight(one[same]) - Weight(other[same]);
    }

    /// <summary>Whether text has bytes in UTF-8: no half of a surrogate pair in it.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0 && at < text.Length; at++)
        {
            if (char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
            {
                at++;
            }
            else if (char.IsSurrogate(text[at]))
            {
                return false;
            }
        }

        return true;
    }

    // Surrogates stand for characters above all others.
    private static int Weight(char c) => c < FirstSurrogate ? c : c >= AfterSurrogates ? c - 0x800 : c + 0x2000;
}
