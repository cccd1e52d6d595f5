using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Cuts an ordered listing into pages that fit a grain message.</summary>
internal static class DirectoryPager
{
    /// <summary>An entry without its name when serialized: 27 fields of at most 10 bytes and their headers, rounded up.</summary>
    public const int EntryOverheadBytes = 320;

    /// <summary>Index of the first name after <paramref name="after"/>, which need not exist any more.</summary>
    public static int IndexAfter(IReadOnlyList<string> sorted, string? after)
    {
        if (after is null)
        {
            return 0;
        }

        int low = 0, high = sorted.Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (string.CompareOrdinal(sorted[middle], after) <= 0)
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

    /// <summary>How many names from an index on fit one page: one at least.</summary>
    public static int CountThatFits(IReadOnlyList<string> sorted, int first)
    {
        var bytes = 0;
        var count = 0;
        while (first + count < sorted.Count)
        {
            bytes += EntryOverheadBytes + (3 * sorted[first + count].Length);
            if (bytes > DirectoryPage.MaxPageBytes && count > 0)
            {
                break;
            }

            count++;
        }

        return count;
    }
}
