using System.Globalization;
using System.Text.Json;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Cli.Output;

/// <summary>Entries and sources as docs/CONTRACT.md writes them.</summary>
internal static class EntryJson
{
    /// <summary>The word for a kind.</summary>
    public static string KindOf(FileKind kind) => kind switch
    {
        FileKind.File => "file",
        FileKind.Directory => "directory",
        FileKind.Symlink => "symlink",
        _ => "other",
    };

    /// <summary>Mode in octal, as stat(1) has it.</summary>
    public static string ModeOf(uint mode) => Convert.ToString(mode, 8).PadLeft(6, '0');

    /// <summary>The members of an entry of a listing.</summary>
    public static void WriteEntry(Utf8JsonWriter json, CacheEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("name", entry.Name);
        json.WriteString("kind", KindOf(entry.Kind));
        json.WriteNumber("size", entry.LengthBytes);
        json.WriteString("mode", ModeOf(entry.Mode));
        json.WriteNumber("modified_ns", entry.ModifiedNs);
        if (entry.Key is { } key)
        {
            json.WriteString("file_key", key.ToString());
        }

        json.WriteEndObject();
    }

    /// <summary>All that stat says.</summary>
    public static void WriteStat(Utf8JsonWriter json, CacheEntry entry, CacheResidency? residency, string? target)
    {
        json.WriteStartObject();
        json.WriteString("path", entry.Path);
        json.WriteString("name", entry.Name);
        json.WriteString("kind", KindOf(entry.Kind));
        json.WriteNumber("size", entry.LengthBytes);
        json.WriteString("version", entry.Version);
        json.WriteString("file_key", entry.Key?.ToString());
        WriteNumber(json, "block_size", entry.BlockSizeBytes);
        WriteNumber(json, "blocks", residency?.Blocks);
        WriteNumber(json, "cached_blocks", residency?.CachedBlocks);
        WriteNumber(json, "cached_percent", residency?.CachedPercent);
        json.WriteString("source", entry.SourcePath);
        json.WriteStartObject("times");
        json.WriteNumber("modified_ns", entry.ModifiedNs);
        json.WriteNumber("changed_ns", entry.ChangedNs);
        json.WriteNumber("accessed_ns", entry.AccessedNs);
        json.WriteEndObject();
        json.WriteNumber("modified_ns", entry.ModifiedNs);
        json.WriteString("mode", ModeOf(entry.Mode));
        json.WriteNumber("uid", entry.Uid);
        json.WriteNumber("gid", entry.Gid);
        json.WriteNumber("links", entry.Links);
        json.WriteNumber("inode", entry.InodeNumber);
        json.WriteString("target", target);
        json.WriteEndObject();
    }

    /// <summary>A source.</summary>
    public static void WriteSource(Utf8JsonWriter json, SourceInfo source)
    {
        json.WriteStartObject();
        json.WriteString("id", source.Id.ToString());
        json.WriteString("path", source.Path);
        json.WriteString("uri", source.Uri);
        json.WriteNumber("block_size", source.Options.BlockSizeBytes);
        json.WriteString("sync", source.Options.Sync.ToString());
        json.WriteStartArray("subtrees");
        foreach (var subtree in source.Options.Subtrees)
        {
            json.WriteStartObject();
            json.WriteString("path", $"/{subtree.Path}");
            json.WriteString("sync", subtree.Rule.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("immutable");
        foreach (var pattern in source.Options.ImmutableFiles)
        {
            json.WriteStringValue(pattern);
        }

        json.WriteEndArray();
        json.WriteString("eviction", NameOf(source.Options.Eviction));
        json.WriteNumber("quota_bytes", source.Options.QuotaBytes);
        WritePairs(json, "options", source.Options.Driver.Select(static option => (option.Name, option.Value)));
        WritePairs(json, "facts", source.Facts.Select(static fact => (fact.Name, fact.Value)));
        json.WriteEndObject();
    }

    /// <summary>What was synced, as it is now.</summary>
    public static void WriteSynced(Utf8JsonWriter json, CacheEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("path", entry.Path);
        json.WriteString("kind", KindOf(entry.Kind));
        json.WriteNumber("size", entry.LengthBytes);
        json.WriteString("version", entry.Version);
        json.WriteString("file_key", entry.Key?.ToString());
        json.WriteString("source", entry.SourcePath);
        json.WriteEndObject();
    }

    /// <summary>The options of a source that are not in columns of their own, as they were typed.</summary>
    public static string OptionsOf(SourceInfo source) => string.Join(' ',
    [
        .. source.Options.Subtrees.Select(static subtree => $"sync:/{subtree.Path}={subtree.Rule}"),
        .. source.Options.ImmutableFiles.Select(static pattern => $"immutable={pattern}"),
        .. source.Options.Eviction == default ? [] : (string[])[$"eviction={NameOf(source.Options.Eviction)}"],
        .. source.Options.QuotaBytes == 0 ? [] : (string[])[$"quota={QuotaOf(source.Options.QuotaBytes)}"],
        .. source.Options.Driver.Select(static option => $"{option.Name}={option.Value}"),
    ]);

    /// <summary>What was found out about a store.</summary>
    public static string FactsOf(SourceInfo source) =>
        string.Join(' ', source.Facts.Select(static fact => $"{fact.Name}={fact.Value}"));

    private static string NameOf(EvictionKind kind) => kind.ToString().ToLowerInvariant();

    // In the largest unit that it is a whole number of.
    private static string QuotaOf(long bytes) =>
        bytes % (1L << 40) == 0 ? $"{bytes >> 40}TiB"
        : bytes % (1L << 30) == 0 ? $"{bytes >> 30}GiB"
        : bytes % (1L << 20) == 0 ? $"{bytes >> 20}MiB"
        : bytes % (1L << 10) == 0 ? $"{bytes >> 10}KiB"
        : $"{bytes}";

    // A name that was given twice counts as given last.
    private static void WritePairs(Utf8JsonWriter json, string name, IEnumerable<(string Name, string Value)> pairs)
    {
        json.WriteStartObject(name);
        foreach (var pair in pairs.GroupBy(static pair => pair.Name, StringComparer.Ordinal))
        {
            json.WriteString(pair.Key, pair.Last().Value);
        }

        json.WriteEndObject();
    }

    /// <summary>Permission bits as <c>ls -l</c> has them.</summary>
    public static string Permissions(CacheEntry entry)
    {
        Span<char> text = stackalloc char[10];
        text[0] = entry.Kind switch
        {
            FileKind.Directory => 'd',
            FileKind.Symlink => 'l',
            FileKind.File => '-',
            _ => '?',
        };
        for (var bit = 0; bit < 9; bit++)
        {
            text[bit + 1] = (entry.Mode >> (8 - bit) & 1) != 0 ? "rwx"[bit % 3] : '-';
        }

        return text.ToString();
    }

    /// <summary>A number that may be unknown.</summary>
    public static void WriteNumber(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>A whole number for people.</summary>
    public static string Plain(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
