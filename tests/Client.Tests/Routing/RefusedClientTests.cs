using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.DataPlane.Tests;
using OrleansCache.DataPlane.Tests.Tls;
using OrleansCache.Files;
using OrleansCache.Groups;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Routing;

/// <summary>A silo that will not speak with the client is an error at once, which says why; one that is away is waited for.</summary>
public sealed class RefusedClientTests : IDisposable
{
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(30); // Half the read timeout: a loaded machine may stall.

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocache-refused-");
    private readonly Authority _authority = new Authority().Issue();
    private readonly Authority _other = new Authority("another").Issue();
    private readonly string _secret = RandomNumberGenerator.GetHexString(64);
    private readonly FakeGrains _grains = new();

    public void Dispose()
    {
        _authority.Dispose();
        _other.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("another secret", "does not accept this client's cluster secret")]
    [InlineData("no secret", "wants proof of the cluster secret")]
    [InlineData("silo without a secret", "has no cluster secret but this client has")]
    [InlineData("another cluster", "belongs to another cluster")]
    [InlineData("no TLS", "speaks TLS only")]
    [InlineData("silo without TLS", "does not speak TLS")]
    [InlineData("another authority", "is not to be believed")]
    public async Task A_refusal_is_told_at_once_with_its_reason_and_no_secret(string what, string why)
    {
        await using var server = new TestServer(_ => new BlockServerOptions
        {
            ClusterId = what == "another cluster" ? "another" : "test",
            ClusterSecret = what == "silo without a secret" ? default : Encoding.UTF8.GetBytes(_secret),
            Certificate = what == "silo without TLS" ? null : _authority.Files,
        });
        AddFiles(new FileKey(1, 2));
        _grains.View = ViewOf(server);
        await using var client = Client(new CacheClientOptions
        {
            ClusterId = "test",
            ClusterSecretFile = what == "no secret" ? null : Secret(what == "another secret" ? new string('0', 64) : _secret),
            TlsCaFile = what == "no TLS" ? null : what == "another authority" ? _other.RootPath : _authority.RootPath,
        });

        var many = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Assert.ThrowsAsync<AccessRefusedException>(
            () => client.OpenReadAsync("/a/data/f"))));
        Assert.All(many, error => Check(error, "/a/data/f", "opening"));

        var results = 0;
        await foreach (var result in client.ReadManyAsync(["/a/data/f", "/a/data/none", "/a/data/g"]))
        {
            using (result)
            {
                if (result.Path == "/a/data/none")
                {
                    Assert.IsType<PathNotFoundException>(result.Error);
                }
                else
                {
                    Check(Assert.IsType<AccessRefusedException>(result.Error), result.Path, "reading");
                }
            }

            results++;
        }

        Assert.Equal(3, results);

        void Check(AccessRefusedException error, string path, string doing)
        {
            Assert.Contains($"{doing} {path} failed: silo one refuses this client: ", error.Message, StringComparison.Ordinal);
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.Contains("ClusterSecretFile", error.Advice, StringComparison.Ordinal);
            Assert.Equal(path, error.Path);
            Assert.True(error.Attempts > 0);
            Assert.True(error.Elapsed < Prompt, $"{error.Elapsed}");
            Assert.DoesNotContain(_secret, error.ToString(), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_silo_that_is_away_is_waited_for()
    {
        int port;
        await using (var gone = new TestServer())
        {
            port = gone.Tcp.Port;
            _grains.View = ViewOf(gone);
        }

        await using var client = Client(new CacheClientOptions { ClusterId = "test" });
        AddFiles(new FileKey(1, 2));
        var opening = client.OpenReadAsync("/a/data/f");
        await Eventually.TrueAsync(() => _grains.ViewCalls >= 3, Prompt); // It has tried and asked again.
        Assert.False(opening.IsCompleted);
        await using var server = new TestServer(_ => new BlockServerOptions { ClusterId = "test", Port = port });
        await using var file = await opening.WaitAsync(Prompt);
    }

    [Fact]
    public async Task Who_refuses_at_an_address_that_the_silo_has_left_does_not_count()
    {
        await using var stranger = new TestServer(_ => new BlockServerOptions { ClusterId = "another" });
        await using var silo = new TestServer(_ => new BlockServerOptions { ClusterId = "test" });
        _grains.View = ViewOf(stranger);
        _grains.OnCall = () =>
        {
            _grains.View = _grains.ViewCalls > 1 ? ViewOf(silo) : _grains.View;
            return Task.CompletedTask;
        };
        var content = RandomNumberGenerator.GetBytes(1000);
        AddFiles(silo.Service.Add(content, BlockLayout.DefaultBlockSizeBytes));
        await using var client = Client(new CacheClientOptions { ClusterId = "test" });
        await using var file = await client.OpenReadAsync("/a/data/f");
        var read = new byte[content.Length];
        await file.ReadExactlyAsync(read);
        Assert.Equal(content, read);
    }

    private static GroupView ViewOf(TestServer server) => new(
        "default", 1,
        [new GroupMember { SiloName = "one", Generation = 1, DataHost = "127.0.0.1", DataPort = server.Tcp.Port, SocketPath = null, HostId = "x" }]);

    private void AddFiles(FileKey key)
    {
        foreach (var name in (string[])["f", "g"])
        {
            _grains.Add(null, FakeGrains.Entry(name, FileKind.File, 1000, 1) with { Key = key });
        }
    }

    private CacheClient Client(CacheClientOptions options) => new(
        options,
        new ClientCore(_grains, new PooledConnector(options, NullLoggerFactory.Instance), options, NullLoggerFactory.Instance),
        null);

    private string Secret(string secret)
    {
        var path = Path.Combine(_folder.FullName, "secret");
        File.WriteAllText(path, secret);
        return path;
    }
}
