using System.Collections.Immutable;
using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>An under storage attached at a namespace path. Equal when all its parts are.</summary>
[GenerateSerializer, Immutable, Alias("srcinfo")]
public sealed record SourceInfo
{
    /// <summary>The source's id: follows from <see cref="Uri"/> and, where that is not enough to name the place, from options.</summary>
    [Id(0)] public required SourceId Id { get; init; }

    /// <summary>Where it is attached: absolute, normalised, such as <c>/imagenet</c>.</summary>
    [Id(1)] public required string Path { get; init; }

    /// <summary>Canonical URI without credentials, such as <c>file:///data/imagenet</c>.</summary>
    [Id(2)] public required string Uri { get; init; }

    /// <summary>Options.</summary>
    [Id(3)] public required SourceOptions Options { get; init; }

    /// <summary>What was found out about the store at attach; empty where there is nothing to find out.</summary>
    [Id(5)] public ImmutableArray<SourceFact> Facts { get; init; } = [];

    /// <summary>Attributes of the source's root directory when it was attached.</summary>
    [Id(4)] public required FileMetadata Root { get; init; }

    /// <inheritdoc/>
    public bool Equals(SourceInfo? other) => other is not null
        && Id == other.Id && Path == other.Path && Uri == other.Uri && Options == other.Options && Root == other.Root
        && Facts.AsSpan().SequenceEqual(other.Facts.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Path);
}
