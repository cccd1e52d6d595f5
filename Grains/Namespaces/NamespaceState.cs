using OrleansCache.Files;
using OrleansCache.Namespaces;

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

    /// <summary>Its canonical URI; the id follows from it.</summary>
    public required string Uri { get; init; }

    /// <summary>Block size.</summary>
    public required int BlockSizeBytes { get; init; }

    /// <summary>Sync rule as text.</summary>
    public required string Sync { get; init; }

    /// <summary>The root directory when it was attached.</summary>
    public required StoredRoot Root { get; init; }

    /// <summary>What is stored of a source.</summary>
    public static StoredSource From(string path, string canonicalUri, SourceOptions options, FileMetadata root) => new()
    {
        Path = path,
        Uri = canonicalUri,
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
        Id = SourceId.FromUri(Uri),
        Path = Path,
        Uri = Uri,
        Options = new SourceOptions
        {
            BlockSizeBytes = BlockSizeBytes,
            Sync = SyncRule.TryParse(Sync, out var rule) ? rule : SyncRule.Default,
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
    };
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
