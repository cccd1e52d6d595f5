using OrleansCache.BlockStore;

namespace OrleansCache.Silo.Configuration;

/// <summary>A tier as the user gave it: <c>nvme=/mnt/nvme0/ocache:10GiB</c>.</summary>
/// <param name="Medium">What it is made of.</param>
/// <param name="Directory">Its directory, absolute.</param>
/// <param name="CapacityBytes">How much of it may be used.</param>
/// <param name="IsDefault">Nobody asked for it: its capacity follows the disk.</param>
internal sealed record TierSpec(TierMedium Medium, string Directory, long CapacityBytes, bool IsDefault)
{
    /// <summary>Sixteen MiB: four blocks of the default size; below it every fill evicts what is being read.</summary>
    public const long MinCapacityBytes = 16L << 20;

    /// <summary>More than any machine we know has; each is asked where a file may be.</summary>
    public const int DisksMax = 64;

    /// <summary>Reads all tiers, none of them within another.</summary>
    public static IReadOnlyList<TierSpec> ParseAll(string text, string origin)
    {
        TierSpec[] tiers = [.. text.Split(Setting.ListSeparator).Select(one => Parse(one.Trim(), origin))];
        if (tiers.Length > DisksMax)
        {
            throw SiloStartException.Usage($"{origin} names {tiers.Length} directories; {DisksMax} are the most");
        }

        foreach (var outer in tiers)
        {
            foreach (var inner in tiers)
            {
                if (!ReferenceEquals(outer, inner) && IsWithin(inner.Directory, outer.Directory))
                {
                    throw SiloStartException.Usage(inner.Directory == outer.Directory
                        ? $"{origin} names {inner.Directory} twice; give each disk one directory"
                        : $"{origin} names {inner.Directory}, which lies in {outer.Directory}; give each disk a directory of its own");
                }
            }
        }

        return tiers;
    }

    /// <summary>Reads a tier; the origin names the flag, variable or file in the error.</summary>
    public static TierSpec Parse(string text, string origin)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var colon = text.LastIndexOf(':');
        if (equals <= 0 || colon <= equals + 1)
        {
            throw SiloStartException.Usage(
                $"{origin} '{text}' is not of the form NAME=DIR:SIZE; write for example nvme=/mnt/nvme0/ocache:10GiB");
        }

        var medium = text[..equals].ToLowerInvariant() switch
        {
            "memory" => TierMedium.Memory,
            "nvme" => TierMedium.Nvme,
            "ssd" => TierMedium.Ssd,
            "hdd" => TierMedium.Hdd,
            var name => throw SiloStartException.Usage(
                $"{origin} names an unknown tier '{name}'; use memory, nvme, ssd or hdd"),
        };
        if (!ByteSize.TryParse(text.AsSpan(colon + 1), out var capacity))
        {
            throw SiloStartException.Usage(
                $"{origin} has a size '{text[(colon + 1)..]}' that is not one; write for example 10GiB or 500MiB");
        }

        if (capacity < MinCapacityBytes)
        {
            throw SiloStartException.Usage(
                $"{origin} is too small with {ByteSize.Format(capacity)}; give the tier at least {ByteSize.Format(MinCapacityBytes)}");
        }

        var directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(text[(equals + 1)..colon]));
        return new TierSpec(medium, directory, capacity, IsDefault: false);
    }

    private static bool IsWithin(string directory, string other) =>
        directory == other
        || directory.StartsWith(Path.EndsInDirectorySeparator(other) ? other : other + '/', StringComparison.Ordinal);
}
