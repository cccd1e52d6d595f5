using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansCache.Fakes.S3;

/// <summary>
/// An S3 server in this process, on a random loopback port, with its buckets in memory. It checks signatures and
/// checksums as the real one does, counts every request, and misbehaves on command. Path style, and virtual-host style
/// for <c>BUCKET.anything</c>. Thread-safe, but for stopping and starting.
/// </summary>
public sealed class FakeS3 : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, FakeBucket> _buckets = new(StringComparer.Ordinal);
    private readonly MisbehaviourList _misbehaviours = new();
    private readonly FakeS3Options _options;
    private readonly S3Handler _handler;
    private volatile Credentials _credentials;
    private WebApplication? _server;
    private int _port;

    private FakeS3(FakeS3Options options)
    {
        _options = options;
        _credentials = new Credentials(
            options.AccessKey ?? RandomNumberGenerator.GetHexString(20),
            options.SecretKey ?? RandomNumberGenerator.GetHexString(40, lowercase: true),
            options.SessionToken);
        _handler = new S3Handler(this, options, _misbehaviours);
    }

    /// <summary>Where it listens, by address.</summary>
    public Uri Endpoint => new($"{(_options.Certificate is null ? "http" : "https")}://127.0.0.1:{_port}");

    /// <summary>The access key it accepts.</summary>
    public string AccessKey => _credentials.AccessKey;

    /// <summary>The secret key it accepts.</summary>
    public string SecretKey => _credentials.SecretKey;

    /// <summary>What was asked.</summary>
    public RequestLog Log { get; } = new();

    /// <summary>Its buckets.</summary>
    public IReadOnlyCollection<FakeBucket> Buckets => [.. _buckets.Values];

    /// <summary>Starts a server.</summary>
    public static async Task<FakeS3> StartAsync(FakeS3Options? options = null, CancellationToken cancellationToken = default)
    {
        var store = new FakeS3(options ?? new FakeS3Options());
        await store.StartListeningAsync(cancellationToken).ConfigureAwait(false);
        return store;
    }

    /// <summary>Makes a bucket.</summary>
    public FakeBucket CreateBucket(string name, bool anonymous = false)
    {
        var bucket = new FakeBucket(name, anonymous, _options.Time);
        return _buckets.TryAdd(name, bucket) ? bucket : throw new InvalidOperationException($"there is a bucket {name}");
    }

    /// <summary>A bucket that exists.</summary>
    public FakeBucket Bucket(string name) => TryBucket(name) ?? throw new InvalidOperationException($"there is no bucket {name}");

    /// <summary>Puts bytes, without a request.</summary>
    public FakeObject Put(string bucket, string key, byte[] bytes) => Bucket(bucket).Put(key, bytes);

    /// <summary>Puts an object whose bytes are computed from a seed (<see cref="SyntheticBytes"/>): any length, no memory.</summary>
    public FakeObject PutSynthetic(string bucket, string key, long length, ulong seed) => Bucket(bucket).PutSynthetic(key, length, seed);

    /// <summary>Deletes an object, without a request.</summary>
    public bool Delete(string bucket, string key) => Bucket(bucket).Delete(key);

    /// <summary>From now on only these keys are accepted.</summary>
    public void ChangeKeys(string accessKey, string secretKey, string? sessionToken = null) =>
        _credentials = new Credentials(accessKey, secretKey, sessionToken);

    /// <summary>Begins to misbehave; disposing ends it.</summary>
    public IDisposable Misbehave(Misbehaviour how) => _misbehaviours.Add(how);

    /// <summary>Ends all misbehaviour and frees hanging requests.</summary>
    public void Behave() => _misbehaviours.Clear();

    /// <summary>Cuts all connections and refuses new ones. Buckets stay.</summary>
    public async Task StopListeningAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is { } server)
        {
            await server.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Listens again, on the same port.</summary>
    public async Task StartListeningAsync(CancellationToken cancellationToken = default)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null; // Being slow is a thing to test, not to end.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestLineSize = 32 * 1024; // Three percent-encoded keys of 1,024 bytes.
            kestrel.Listen(IPAddress.Loopback, _port, listen =>
            {
                if (_options.Certificate is { } certificate)
                {
                    listen.UseHttps(certificate);
                }
            });
        });
        if (_options.Certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        // Nobody else ends this server: without this it would take Ctrl-C for itself.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var server = builder.Build();
        server.Run(_handler.HandleAsync);
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        var addresses = server.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>();
        _port = new Uri(addresses.Addresses.Single()).Port;
        _server = server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Behave();
        await StopListeningAsync().ConfigureAwait(false);
    }

    internal FakeBucket? TryBucket(string name) => _buckets.GetValueOrDefault(name);

    internal void RemoveBucket(string name) => _buckets.TryRemove(name, out _);

    internal (string Secret, string? Token)? SecretOf(string accessKey)
    {
        var current = _credentials;
        return accessKey == current.AccessKey ? (current.SecretKey, current.SessionToken) : null;
    }

    private sealed record Credentials(string AccessKey, string SecretKey, string? SessionToken);

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
