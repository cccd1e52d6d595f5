using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OrleansCache.Fakes.S3;
using OrleansCache.Files;

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
        var factory = new UnderStorage.S3.S3UnderStorageFactory(log, TimeProvider.System)
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

    private static async Task<string> AnswerAsync(TcpListener listener, string statusAndHeaders)
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

        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {statusAndHeaders}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), S3Source.Soon);
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
