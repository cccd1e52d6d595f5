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

        return new TierSpec(medium, Path.GetFullPath(text[(equals + 1)..colon]), capacity, IsDefault: false);
    }
}
