using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Makes the SDK's client the way we need it: no retries of its own, connections of ours, no discovery over the network.</summary>
internal static class S3ClientFactory
{
    /// <summary>Unused connections are closed before the usual minute after which servers and firewalls forget them.</summary>
    private static readonly TimeSpan IdleConnections = TimeSpan.FromSeconds(45);

    /// <summary>Old connections are replaced, so that a store that moved in DNS is found again.</summary>
    private static readonly TimeSpan OldConnections = TimeSpan.FromMinutes(10);

    /// <summary>A connection takes a round trip or two; SYNs get lost and are sent again after 1 s and 3 s.</summary>
    private static readonly TimeSpan MaxConnect = TimeSpan.FromSeconds(4);

    /// <summary>Metadata requests have connections beside those of the reads.</summary>
    private const int ConnectionsForMetadata = 16;

    /// <summary>The client and its connections: dispose both.</summary>
    /// <exception cref="CacheRequestException">A certificate cannot be read, or there is no region.</exception>
    public static (AmazonS3Client Client, IDisposable Connections) Create(
        S3Options options, AWSCredentials credentials, string? regionOfEnvironment, Func<string, string?> environment)
    {
        var region = options.Region ?? regionOfEnvironment ?? (options.Endpoint is null
            ? throw new CacheRequestException(RequestError.InvalidArgument,
                "there is no region. Give --option region=NAME, or set AWS_REGION in the silo's environment.")
            : "us-east-1"); // what servers without regions expect in signatures
        var connections = new Connections(CreateHandler(options, environment));
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            HttpClientFactory = connections,
            ForcePathStyle = options.UsesPathStyle,
            AllowAutoRedirect = false,
            IgnoreConfiguredEndpointUrls = true, // an endpoint is part of what names a source
            RequestChecksumCalculation = options.UsedChecksums == S3Checksums.WhenRequired
                ? RequestChecksumCalculation.WHEN_REQUIRED : RequestChecksumCalculation.WHEN_SUPPORTED,

            // Ranges have no checksum; what proves them is the ETag, the length and our own checksum of the block.
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.GetLeftPart(UriPartial.Authority);
            config.AuthenticationRegion = region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return (new AmazonS3Client(credentials, config), connections);
    }

    private static SocketsHttpHandler CreateHandler(S3Options options, Func<string, string?> environment)
    {
        var handler = new SocketsHttpHandler // TCP_NODELAY is its default
        {
            MaxConnectionsPerServer = options.Concurrency + ConnectionsForMetadata,
            PooledConnectionIdleTimeout = IdleConnections,
            PooledConnectionLifetime = OldConnections,
            ConnectTimeout = options.Timeout < MaxConnect ? options.Timeout : MaxConnect,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None, // bytes as stored
            UseCookies = false,
            MaxResponseDrainSize = 64 << 10, // beyond that a new connection is cheaper than the rest of a body nobody wants
            ActivityHeadersPropagator = null,
        };
        if (options.Proxy is { } proxy)
        {
            handler.Proxy = new WebProxy(proxy) { Credentials = ProxyCredentials(environment) };
        }

        handler.SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = options.CaFile is { } file ? TrustOnly(file) : null,
            ClientCertificates = options.ClientCertificate is { } own ? [OwnCertificate(own, options.ClientKey)] : null,
        };
        return handler;
    }

    private static NetworkCredential? ProxyCredentials(Func<string, string?> environment) =>
        environment("OCACHE_PROXY_USER") is { Length: > 0 } user
            ? new NetworkCredential(user, environment("OCACHE_PROXY_PASSWORD")) : null;

    private static X509ChainPolicy TrustOnly(string file)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck, // private authorities seldom say where to ask
        };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Unreadable("ca-file", file, exception);
        }

        return policy.CustomTrustStore.Count > 0 ? policy : throw Unreadable("ca-file", file, null);
    }

    private static X509Certificate2 OwnCertificate(string file, string? keyFile)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(file, keyFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Unreadable("client-cert", file, exception);
        }
    }

    private static CacheRequestException Unreadable(string option, string file, Exception? cause) => new(
        RequestError.InvalidArgument, $"{option} '{file}' on the silo's machine holds no certificate that can be used"
            + $"{(cause is null ? "" : $" ({cause.GetType().Name})")}. Give a PEM file that the silo's user may read.");

    /// <summary>One pool of connections for one source.</summary>
    private sealed class Connections(SocketsHttpHandler handler) : HttpClientFactory, IDisposable
    {
        private readonly HttpClient _client = new(new NoRedirects(handler)) { Timeout = Timeout.InfiniteTimeSpan };

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public void Dispose() => _client.Dispose();
    }

    /// <summary>
    /// The SDK follows a 307 whatever its options say: past the gate, to wherever the answer points. Without a place to go it is the
    /// refusal that we make of every redirect.
    /// </summary>
    private sealed class NoRedirects(SocketsHttpHandler handler) : DelegatingHandler(handler)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            answer.Headers.Location = null;
            return answer;
        }
    }
}
