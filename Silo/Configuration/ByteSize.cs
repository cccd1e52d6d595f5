using System.Globalization;

namespace OrleansCache.Silo.Configuration;

/// <summary>Sizes as people write them: <c>512MiB</c>, <c>10GiB</c>, <c>1.5TiB</c>, <c>65536</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, long Unit)[] Units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1), ("", 1),
    ];

    /// <summary>Reads a size; the unit is one of B, KiB, MiB, GiB, TiB in any case, or missing (bytes).</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        text = text.Trim();
        foreach (var (suffix, unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var number = text[..^suffix.Length].TrimEnd();
            if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
                || amount > long.MaxValue / unit)
            {
                return false;
            }

            bytes = (long)(amount * unit);
            return true;
        }

        return false;
    }

    /// <summary>The size in the largest unit that leaves at most one decimal.</summary>
    public static string Format(long bytes)
    {
        foreach (var (suffix, unit) in Units)
        {
            if (bytes >= unit && unit > 1)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{Math.Round((decimal)bytes / unit, 1):0.#}{suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes}B");
    }
}
