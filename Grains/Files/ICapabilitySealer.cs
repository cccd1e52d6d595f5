using OrleansCache.Files;

namespace OrleansCache.Grains.Files;

/// <summary>Makes rights to read. Holds the key that block servers check seals with; only the control plane has one.</summary>
public interface ICapabilitySealer
{
    /// <summary>The right to read one version until a time.</summary>
    ReadCapability Issue(
        SourceId source, string path, FileId file, FileVersion version, BlockLayout layout, DateTimeOffset expires);
}

/// <summary>Seals with a key from memory.</summary>
/// <param name="sealingKey">The cluster's sealing key: 32 random bytes, the same on every silo.</param>
public sealed class CapabilitySealer(ReadOnlyMemory<byte> sealingKey) : ICapabilitySealer
{
    private readonly ReadOnlyMemory<byte> _key = sealingKey.Length >= 32
        ? sealingKey
        : throw new ArgumentException($"a sealing key of {sealingKey.Length} bytes is too short (32)", nameof(sealingKey));

    /// <inheritdoc/>
    public ReadCapability Issue(
        SourceId source, string path, FileId file, FileVersion version, BlockLayout layout, DateTimeOffset expires) =>
        ReadCapability.Issue(source, path, file, version, layout, expires, _key.Span);
}
