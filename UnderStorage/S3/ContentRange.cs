using System.Globalization;

namespace OrleansCache.UnderStorage.S3;

/// <summary><c>Content-Range: bytes FIRST-LAST/TOTAL</c>.</summary>
internal readonly record struct ContentRange(long First, long Last, long Total)
{
    /// <summary>Reads one; false for what is none, or has no total.</summary>
    public static bool TryParse(string? text, out ContentRange range)
    {
        range = default;
        const string Unit = "bytes ";
        var rest = text.AsSpan();
        if (!rest.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        rest = rest[Unit.Length..].Trim();
        var (dash, slash) = (rest.IndexOf('-'), rest.IndexOf('/'));
        if (dash <= 0 || slash <= dash || !TryNumber(rest[..dash], out var first)
            || !TryNumber(rest[(dash + 1)..slash], out var last) || !TryNumber(rest[(slash + 1)..], out var total)
            || first > last || last >= total)
        {
            return false;
        }

        range = new ContentRange(first, last, total);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out long number) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
