using System.Text.Json;
using OrleansCache.Groups;
using OrleansCache.Namespaces;

namespace OrleansCache.Status;

/// <summary>Reads silos' status JSON (docs/CONTRACT.md) and sums the sources. Unknown members are ignored, missing ones are 0.</summary>
internal sealed class StatusMerger
{
    private readonly List<SiloStatus> _silos = [];
    private readonly Dictionary<string, SourceStatus> _sources = new(StringComparer.Ordinal);

    /// <summary>Adds what is attached: a source nobody reads is there with zeros.</summary>
    public void AddAttached(IEnumerable<SourceInfo> sources)
    {
        foreach (var source in sources)
        {
            var id = source.Id.ToString();
            _sources.TryAdd(id, new SourceStatus { Id = id, Path = source.Path, Uri = source.Uri });
        }
    }

    /// <summary>Adds a silo that did not answer.</summary>
    public void AddUnreachable(GroupMember member, string error) => _silos.Add(
        new SiloStatus { Name = member.SiloName, Generation = member.Generation, Error = error });

    /// <summary>Adds a silo's answer.</summary>
    public void Add(GroupMember member, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            AddAnswer(member, document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            AddUnreachable(member, $"its status is not what docs/CONTRACT.md says ({error.Message})");
        }
    }

    /// <summary>The whole.</summary>
    public ClusterStatus ToStatus() => new(
        [.. _silos.OrderBy(silo => silo.Name, StringComparer.Ordinal)],
        [.. _sources.Values.OrderBy(source => source.Path, StringComparer.Ordinal)]);

    private void AddAnswer(GroupMember member, JsonElement root)
    {
        var tiers = Items(root, "tiers").Select(ReadTier).ToArray();
        var memory = root.TryGetProperty("memory", out var found) ? found : default;
        var sources = Items(root, "sources").Select(ReadSource).ToArray();
        foreach (var source in sources)
        {
            _sources[source.Id] = _sources.TryGetValue(source.Id, out var sum) ? Sum(sum, source) : source;
        }

        _silos.Add(new SiloStatus
        {
            Name = member.SiloName,
            Generation = member.Generation,
            Tiers = tiers,
            RssBytes = Number(memory, "rss_bytes"),
            MemoryBudgetBytes = Number(memory, "budget_bytes"),
        });
    }

    private static TierStatus ReadTier(JsonElement tier) =>
        new(Text(tier, "path"), Number(tier, "capacity_bytes"), Number(tier, "used_bytes"))
        {
            Medium = Text(tier, "medium"),
            State = Text(tier, "state"),
            Reason = Text(tier, "reason") is { Length: > 0 } reason ? reason : null,
            Blocks = Number(tier, "blocks"),
        };

    private static SourceStatus ReadSource(JsonElement source) => new()
    {
        Id = Text(source, "id"),
        Path = Text(source, "path"),
        Uri = Text(source, "uri"),
        Hits = Number(source, "hits"),
        Misses = Number(source, "misses"),
        BytesFromCache = Number(source, "bytes_from_cache"),
        BytesFromUnderStorage = Number(source, "bytes_from_under_storage"),
        UnderStorageReads = Number(source, "under_storage_reads"),
        CachedBytes = Number(source, "cached_bytes"),
    };

    private static SourceStatus Sum(SourceStatus sum, SourceStatus more) => sum with
    {
        Hits = sum.Hits + more.Hits,
        Misses = sum.Misses + more.Misses,
        BytesFromCache = sum.BytesFromCache + more.BytesFromCache,
        BytesFromUnderStorage = sum.BytesFromUnderStorage + more.BytesFromUnderStorage,
        UnderStorageReads = sum.UnderStorageReads + more.UnderStorageReads,
        CachedBytes = sum.CachedBytes + more.CachedBytes,
    };

    private static JsonElement.ArrayEnumerator Items(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default;

    private static string Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) ? value.GetString() ?? string.Empty : string.Empty;

    private static long Number(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0;
}
