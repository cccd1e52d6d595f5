using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Files;

/// <summary>Turns attributes into entries for clients: files get a key and a sealed right to read.</summary>
internal static class EntrySealing
{
    /// <summary>An hour: longer than any read of one block, short enough that a right does not outlive a day's mistakes.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>The entry of a file at a path inside a source.</summary>
    public static FileEntry Seal(
        ICapabilitySealer sealer, SourceInfo source, string path, string name, FileMetadata metadata, DateTimeOffset now)
    {
        var entry = new FileEntry { Name = name, Metadata = metadata, BlockSizeBytes = source.Options.BlockSizeBytes };
        if (metadata.Kind != FileKind.File)
        {
            return entry;
        }

        var capability = sealer.Issue(
            source.Id, path, metadata.Id, metadata.Version, new BlockLayout(source.Options.BlockSizeBytes), now + Lifetime);
        return entry with { Key = capability.Key, Seal = capability.Seal };
    }

    /// <summary>Whether an entry sealed before may be handed out again: at least half of its time is left.</summary>
    public static bool IsFresh(FileEntry entry, DateTimeOffset now) =>
        entry.Metadata.Kind != FileKind.File
        || entry.Seal.ExpiresUnixSeconds - now.ToUnixTimeSeconds() >= Lifetime.TotalSeconds / 2;
}
