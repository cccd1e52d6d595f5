using System.Security.Cryptography.X509Certificates;

namespace OrleansCache.Fakes.S3;

/// <summary>How a <see cref="FakeS3"/> is set up.</summary>
public sealed record FakeS3Options
{
    /// <summary>Access key; random by default.</summary>
    public string? AccessKey { get; init; }

    /// <summary>Secret key; random by default.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Session token that requests must carry, or null.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Serves HTTPS with it.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Smallest part of a multipart upload but the last: S3 says 5 MiB.</summary>
    public long MinPartBytes { get; init; } = 5 << 20;

    /// <summary>The store's clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
