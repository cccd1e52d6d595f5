using System.Text.Json.Serialization;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>What the namespace grain stores. The JSON names of these members are a format: add, never rename.</summary>
internal sealed class NamespaceState
{
    /// <summary>Grows with every attach and detach.</summary>
    public long Epoch { get; set; }

    /// <summary>The sources, ordered by path.</summary>
    public List<StoredSource> Sources { get; set; } = [];

    /// <summary>The state after attaching.</summary>
    public NamespaceState With(StoredSource added) => new()
    {
        Epoch = Epoch + 1,
        Sources = [.. Sources.Append(added).OrderBy(source => source.Path, StringComparer.Ordinal)],
    };

    /// <summary>The state after detaching.</summary>
    public NamespaceState Without(StoredSource removed) => new()
    {
        Epoch = Epoch + 1,
        Sources = [.. Sources.Where(source => source.Path != removed.Path)],
    };

    /// <summary>The table as clients see it.</summary>
    public NamespaceTable ToTable() => new(Epoch, [.. Sources.Select(source => source.ToInfo())]);
}

/// <summary>One attached source as stored.</summary>
internal sealed class StoredSource
{
    /// <summary>Where it is attached.</summary>
    public required string Path { get; init; }

    /// <summary>Its canonical URI.</summary>
    public required string Uri { get; init; }

    /// <summary>Its id; null = follows from the URI alone (what the first release stored).</summary>
    public ulong? SourceId { get; init; }

    /// <summary>Freshness of parts: path and rule as text.</summary>
    public List<StoredPair> Subtrees { get; init; } = [];

    /// <summary>Patterns of files that never change.</summary>
    public List<string> ImmutableFiles { get; init; } = [];

    /// <summary>Which of its data goes first; null = the default.</summary>
    public string? Eviction { get; init; }

    /// <summary>Its quota; 0 = none.</summary>
    public long QuotaBytes { get; init; }

    /// <summary>Options of its driver. Never secrets.</summary>
    public List<StoredPair> DriverOptions { get; init; } = [];

    /// <summary>What was found out at attach.</summary>
    public List<StoredPair> Facts { get; init; } = [];

    /// <summary>Block size.</summary>
    public required int BlockSizeBytes { get; init; }

    /// <summary>Sync rule as text.</summary>
    public required string Sync { get; init; }

    /// <summary>The root directory when it was attached.</summary>
    public required StoredRoot Root { get; init; }

    /// <summary>The source's id.</summary>
    [JsonIgnore]
    public SourceId Id => SourceId is { } stored ? new SourceId(stored) : OrleansCache.Files.SourceId.FromUri(Uri);

    /// <summary>What is stored of a source.</summary>
    public static StoredSource From(
        string path, SourceIdentity identity, SourceOptions options, IEnumerable<SourceFact> facts, FileMetadata root) => new()
        {
            Path = path,
            Uri = identity.Uri,
            SourceId = identity.Id.Value,
            Subtrees = [.. options.Subtrees.Select(one => new StoredPair { Name = one.Path, Value = one.Rule.ToString() })],
            ImmutableFiles = [.. options.ImmutableFiles],
            Eviction = options.Eviction == default ? null : options.Eviction.ToString(),
            QuotaBytes = options.QuotaBytes,
            DriverOptions = [.. options.Driver.Select(one => new StoredPair { Name = one.Name, Value = one.Value })],
            Facts = [.. facts.Select(one => new StoredPair { Name = one.Name, Value = one.Value })],
            BlockSizeBytes = options.BlockSizeBytes,
            Sync = options.Sync.ToString(),
            Root = new StoredRoot
            {
                IdHigh = root.Id.High,
                IdLow = root.Id.Low,
                LengthBytes = root.Version.LengthBytes,
                ModifiedNs = root.Version.ModifiedNs,
                ChangedNs = root.Version.ChangedNs,
                Mode = root.Mode,
                Uid = root.Uid,
                Gid = root.Gid,
                Links = root.Links,
                AccessedNs = root.AccessedNs,
            },
        };

    /// <summary>The source as clients see it.</summary>
    public SourceInfo ToInfo() => new()
    {
        Id = Id,
        Path = Path,
        Uri = Uri,
        Options = new SourceOptions
        {
            BlockSizeBytes = BlockSizeBytes,
            Sync = RuleOf(Sync),
            Subtrees = [.. Subtrees.Select(one => new SubtreeSync(one.Name, RuleOf(one.Value)))],
            ImmutableFiles = [.. ImmutableFiles],
            Eviction = Enum.TryParse<EvictionKind>(Eviction, out var kind) ? kind : default,
            QuotaBytes = QuotaBytes,
            Driver = [.. DriverOptions.Select(one => new DriverOption(one.Name, one.Value))],
        },
        Root = new FileMetadata
        {
            Id = new FileId(Root.IdHigh, Root.IdLow),
            Kind = FileKind.Directory,
            Version = new FileVersion(Root.LengthBytes, Root.ModifiedNs, Root.ChangedNs, null),
            Mode = Root.Mode,
            Uid = Root.Uid,
            Gid = Root.Gid,
            Links = Root.Links,
            AccessedNs = Root.AccessedNs,
        },
        Facts = [.. Facts.Select(one => new SourceFact(one.Name, one.Value))],
    };

    private static SyncRule RuleOf(string text) => SyncRule.TryParse(text, out var rule) ? rule : SyncRule.Default;
}

/// <summary>A name with a value.</summary>
internal sealed class StoredPair
{
    public required string Name { get; init; }

    public required string Value { get; init; }
}

/// <summary>Attributes of a root directory as stored.</summary>
internal sealed class StoredRoot
{
    public ulong IdHigh { get; init; }

    public ulong IdLow { get; init; }

    public long LengthBytes { get; init; }

    public long ModifiedNs { get; init; }

    public long ChangedNs { get; init; }

    public uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    public uint Links { get; init; }

    public long AccessedNs { get; init; }
}
