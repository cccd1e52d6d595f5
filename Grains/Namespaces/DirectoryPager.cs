using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Cuts an ordered listing into pages that fit a grain message.</summary>
internal static class DirectoryPager
{
    /// <summary>An entry without its name when serialized: 27 fields of at most 10 bytes and their headers, rounded up.</summary>
    public const int EntryOverheadBytes = 320;

    /// <summary>More never fit.</summary>
    public const int MaxEntries = (DirectoryPage.MaxPageBytes / EntryOverheadBytes) + 1;

    /// <summary>How many of some entries fit one page: one at least.</summary>
    public static int CountThatFits(IReadOnlyList<UnderStorageEntry> entries)
    {
        var bytes = 0;
        var count = 0;
        foreach (var (name, metadata, _) in entries)
        {
            bytes += EntryOverheadBytes + (3 * (name.Length + (metadata.Version.ETag?.Length ?? 0)));
            if (bytes > DirectoryPage.MaxPageBytes && count > 0)
            {
                break;
            }

            count++;
        }

        return count;
    }
}
