namespace OrleansCache.UnderStorage.S3;

/// <summary>The order of keys in a bucket: their UTF-8, byte by byte. UTF-16 sorts surrogates before U+E000, UTF-8 after U+FFFF.</summary>
internal static class KeyOrder
{
    private const char FirstSurrogate = '\uD800';
    private const char FirstAfterSurrogates = '\uE000';
    private const int SurrogateCount = FirstAfterSurrogates - FirstSurrogate;
    private const int AfterSurrogateCount = 0x10000 - FirstAfterSurrogates;

    /// <summary>Compares two keys.</summary>
    public static int Compare(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        var common = left.CommonPrefixLength(right);
        return common == left.Length || common == right.Length
            ? left.Length.CompareTo(right.Length)
            : Rank(left[common]).CompareTo(Rank(right[common]));
    }

    private static int Rank(char unit) => unit switch
    {
        < FirstSurrogate => unit,
        < FirstAfterSurrogates => unit + AfterSurrogateCount,
        _ => unit - SurrogateCount,
    };
}
