using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OrleansCache.Fakes.S3;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>TLS and proxies.</summary>
public sealed class S3TransportTests
{
    [Fact]
    public async Task A_private_authority_is_trusted_when_it_is_named_and_only_then()
    {
        var directory = Directory.CreateTempSubdirectory("ocache-tls-").FullName;
        try
        {
            using var certificate = SelfSigned();
            var file = Path.Combine(directory, "ca.pem");
            await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
            await using var source = await S3Source.PrepareAsync(new FakeS3Options { Certificate = certificate });
            source.Store.Put(S3Source.Bucket, "f", [1, 2]);
            await using var storage = await source.OpenAsync("", ("ca-file", file));
            var seen = (await storage.StatAsync("f", S3Source.Soon)).Metadata;
            var bytes = new byte[2];
            Assert.Equal(ReadStatus.Ok, await storage.ReadAsync("f", seen.Id, seen.Version, 0, bytes, S3Source.Soon));
            Assert.Equal([1, 2], bytes);

            var refused = await Assert.ThrowsAsync<CacheRequestException>(async () => await source.OpenAsync(""));
            Assert.Contains("ca-file", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task A_proxy_is_asked_with_the_credentials_of_the_environment()
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var log = new LogBook();
        var keys = S3Source.FactoryOf("key", "secret", log);
        var factory = new S3UnderStorageFactory(log, TimeProvider.System)
        {
            Environment = name => name switch
            {
                "OCACHE_PROXY_USER" => "somebody",
                "OCACHE_PROXY_PASSWORD" => "hunter2",
                _ => keys.Environment(name),
            },
        };
        var options = S3Source.Options(
            ("endpoint", "http://store.invalid"), ("proxy", $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}"));
        var opening = factory.OpenAsync(factory.Identify("s3://data", options), options, S3Source.Soon).AsTask();
        var first = await AnswerAsync(proxy, "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"");
        Assert.StartsWith("GET http://store.invalid/data", first, StringComparison.Ordinal);
        var second = await AnswerAsync(proxy, "403 Forbidden");
        Assert.Contains(
            $"Proxy-Authorization: Basic {Convert.ToBase64String("somebody:hunter2"u8)}", second, StringComparison.OrdinalIgnoreCase);
        var refused = await Assert.ThrowsAsync<CacheRequestException>(() => opening);
        Assert.DoesNotContain("hunter2", refused + log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://store.invalid", "true", "GET http://store.invalid/data/?")]
    [InlineData("http://store.invalid", "false", "GET http://data.store.invalid/?")]
    [InlineData(null, "false", "CONNECT data.s3.eu-central-1.amazonaws.com:443 ")]
    [InlineData(null, "true", "CONNECT s3.eu-central-1.amazonaws.com:443 ")]
    public async Task The_bucket_is_in_the_path_or_in_the_name_of_the_host(string? endpoint, string pathStyle, string asked)
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var factory = S3Source.FactoryOf("key", "secret", new LogBook());
        var options = S3Source.Options(
            [.. endpoint is null ? [] : (IEnumerable<(string, string)>)[("endpoint", endpoint)], ("path-style", pathStyle),
                ("region", "eu-central-1"), ("proxy", $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}")]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var opening = factory.OpenAsync(factory.Identify("s3://data", options), options, patience.Token).AsTask();
        Assert.StartsWith(asked, await AnswerAsync(proxy, "400 Bad Request"), StringComparison.Ordinal);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => opening);
    }

    [Theory]
    [InlineData(1000, ReadStatus.Ok)]
    [InlineData(1001, ReadStatus.Unavailable)]
    public async Task A_body_without_a_length_is_exactly_what_was_asked_for_or_an_error(int sent, ReadStatus expected)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var factory = S3Source.FactoryOf("key", "secret", new LogBook());
        var options = S3Source.Options(("endpoint", $"http://127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port}"));
        var opening = factory.OpenAsync(factory.Identify("s3://data", options), options, S3Source.Soon).AsTask();
        await AnswerAsync(server, "200 OK", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
        await using var storage = await opening;

        var seen = S3Metadata.OfObject(storage.Source, default, "f", 5000, DateTime.UnixEpoch, "\"etag\"");
        var bytes = new byte[1000];
        var reading = storage.ReadAsync("f", seen.Id, seen.Version, 2000, bytes, S3Source.Soon).AsTask();
        await AnswerAsync(
            server, "206 Partial Content\r\nETag: \"etag\"\r\nContent-Range: bytes 2000-2999/5000\r\nTransfer-Encoding: chunked",
            $"{sent:x}\r\n{new string('x', sent)}\r\n0\r\n\r\n");
        Assert.Equal(expected, await reading);
        Assert.All(bytes, one => Assert.Equal((byte)'x', one));
    }

    private static async Task<string> AnswerAsync(TcpListener listener, string statusAndHeaders, string body = "")
    {
        using var socket = await listener.AcceptSocketAsync(S3Source.Soon);
        var head = new StringBuilder();
        var buffer = new byte[4096];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var got = await socket.ReceiveAsync(buffer, S3Source.Soon);
            Assert.NotEqual(0, got);
            head.Append(Encoding.ASCII.GetString(buffer, 0, got));
        }

        var length = statusAndHeaders.Contains("chunked", StringComparison.Ordinal) ? "" : $"Content-Length: {body.Length}\r\n";
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {statusAndHeaders}\r\n{length}Connection: close\r\n\r\n{body}"), S3Source.Soon);
        return head.ToString();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=fake store", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null); // a server needs its key in a form that lasts
    }
}
