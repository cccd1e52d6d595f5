namespace OrleansCache.UnderStorage.S3;

/// <summary>When the SDK adds and checks checksums of its own beside TLS and the signature.</summary>
internal enum S3Checksums
{
    /// <summary>Only where the protocol demands it: what servers other than AWS understand.</summary>
    WhenRequired,

    /// <summary>Wherever possible: CRC trailers on uploads.</summary>
    WhenSupported,
}

/// <summary>What the options of one <c>s3://</c> source mean. Names, ranges and texts: <see cref="S3Option.All"/>.</summary>
internal sealed record S3Options
{
    /// <summary>The server, without path; null = AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region requests are signed for; null = from the environment or the profile.</summary>
    public string? Region { get; init; }

    /// <summary>Whether the bucket stands in the path; null = exactly when there is an endpoint.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>Null = when required with an endpoint, when supported on AWS.</summary>
    public S3Checksums? Checksums { get; init; }

    /// <summary>Profile of the credentials file; null = the environment's.</summary>
    public string? Profile { get; init; }

    /// <summary>Credentials file on the silo's machine; null = the standard chain.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>Whether requests are not signed.</summary>
    public bool Anonymous { get; init; }

    /// <summary>Requests per second; infinite = no bucket.</summary>
    public double RequestsPerSecond { get; init; } = double.PositiveInfinity;

    /// <summary>Bytes per second; infinite = no bucket.</summary>
    public double BytesPerSecond { get; init; } = double.PositiveInfinity;

    /// <summary>Most reads at once: 64 x 4 MiB fill 10 Gbit/s at 200 ms.</summary>
    public int Concurrency { get; init; } = 64;

    /// <summary>Proxy; null = what the environment says.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Certificates (PEM) that are trusted instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>Our certificate (PEM).</summary>
    public string? ClientCertificate { get; init; }

    /// <summary>Key of our certificate (PEM); null = in the same file.</summary>
    public string? ClientKey { get; init; }

    /// <summary>Owner that entries show.</summary>
    public uint Uid { get; init; }

    /// <summary>Group that entries show.</summary>
    public uint Gid { get; init; }

    /// <summary>Permission bits of files.</summary>
    public uint FileMode { get; init; } = 0x1A4; // 0644

    /// <summary>Permission bits of directories.</summary>
    public uint DirectoryMode { get; init; } = 0x1ED; // 0755

    /// <summary>How long one attempt may go without a byte before it counts as failed: S3's slowest normal answers take seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether attaching finds out what the store can do.</summary>
    public bool Probe { get; init; } = true;

    /// <summary>Whether the bucket stands in the path of a URL, with the default applied.</summary>
    public bool UsesPathStyle => PathStyle ?? Endpoint is not null;

    /// <summary>Checksums, with the default applied.</summary>
    public S3Checksums UsedChecksums =>
        Checksums ?? (Endpoint is null ? S3Checksums.WhenSupported : S3Checksums.WhenRequired);

    /// <summary>The endpoint as people see it and as it names a place; empty for AWS.</summary>
    public string EndpointText => Endpoint?.GetLeftPart(UriPartial.Authority) ?? "";
}
