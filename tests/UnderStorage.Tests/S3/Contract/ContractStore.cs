using Amazon.S3;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fakes.S3;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>An S3 server that the driver's contract runs on, shared by the tests of a class: each has a prefix of its own.</summary>
public abstract class ContractStore : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("s3-contract-");
    private AmazonS3Client? _client;

    /// <summary>Talks to the server as any other program would.</summary>
    internal AmazonS3Client Client => _client!;

    /// <summary>The bucket of all tests that need none of their own.</summary>
    internal string Bucket { get; } = NewBucketName();

    /// <summary>Where the server is and who may use it; valid after <see cref="StartAsync"/>.</summary>
    private protected abstract (Uri Endpoint, string AccessKey, string SecretKey) Server { get; }

    private string CredentialsFile => Path.Combine(_folder.FullName, "credentials");

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        await StartAsync();
        _client = SdkClient.Connect(Server.Endpoint, Server.AccessKey, Server.SecretKey);
        await WriteCredentialsAsync(CredentialsFile, Server.SecretKey);
        await Client.PutBucketAsync(Bucket);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        _client?.Dispose();
        await StopAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>Opens a source as <c>ocache attach</c> does.</summary>
    internal Task<IUnderStorage> OpenAsync(string uri) => OpenAsync(uri, CredentialsFile);

    /// <summary>Opens a source with a secret that is not ours.</summary>
    internal async Task<IUnderStorage> OpenWithWrongSecretAsync(string uri)
    {
        var file = Path.Combine(_folder.FullName, "wrong");
        await WriteCredentialsAsync(file, new string('0', Server.SecretKey.Length));
        return await OpenAsync(uri, file);
    }

    /// <summary>A bucket of a test's own.</summary>
    internal async Task<string> CreateBucketAsync()
    {
        var name = NewBucketName();
        await Client.PutBucketAsync(name);
        return name;
    }

    /// <summary>Puts an object whose key the SDK or the server takes for another one when it stands in a URL.</summary>
    internal abstract Task PutAwkwardAsync(string bucket, string key, byte[] bytes);

    /// <summary>From now on nobody may read what lies below a prefix; listing stays allowed.</summary>
    internal abstract Task ForbidReadingAsync(string prefix);

    private protected abstract Task StartAsync();

    private protected abstract Task StopAsync();

    private static string NewBucketName() => $"contract-{Guid.NewGuid():n}";

    private async Task<IUnderStorage> OpenAsync(string uri, string credentialsFile)
    {
        var factory = new S3UnderStorageFactory(NullLoggerFactory.Instance, TimeProvider.System);
        var options = new SourceOptions
        {
            Driver =
            [
                new("endpoint", Server.Endpoint.GetLeftPart(UriPartial.Authority)), new("credentials-file", credentialsFile),
                new("uid", "12"), new("gid", "34"), new("file-mode", "0640"), new("dir-mode", "0750"),
            ],
        };
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        return await factory.OpenAsync(factory.Identify(uri, options), options, deadline.Token);
    }

    private Task WriteCredentialsAsync(string file, string secret) => File.WriteAllTextAsync(
        file, $"[default]\naws_access_key_id = {Server.AccessKey}\naws_secret_access_key = {secret}\n");
}
