using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Hosting;

/// <summary>Who reads blocks of a silo with a secret and a certificate: docs/CONFIGURATION.md.</summary>
public sealed class DataPlaneAccessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocache-access-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    [Fact]
    public async Task A_silo_with_a_secret_and_a_certificate_serves_who_has_both()
    {
        File.WriteAllText(In("secret"), RandomNumberGenerator.GetHexString(64) + "\n");
        WriteCertificate();
        using var silo = await RunningSilo.StartAsync(
            _folder, "--cluster-secret-file", In("secret"), "--tls-cert", In("cert.pem"), "--tls-key", In("key.pem"));
        var trust = ServerTrust.Load(In("cert.pem"), null, NullLogger.Instance, TimeProvider.System);
        var secret = ClusterSecret.Read(In("secret"));

        await using (var good = await ConnectAsync(silo, secret, trust))
        {
            Assert.Equal(ReadStatus.Ok, (await good.GetStatusAsync(default)).Status);
            Assert.Equal(1UL, good.RingEpoch); // It has joined its group.
        }

        await using (var local = await ConnectAsync(silo, secret, null, silo.Endpoints.GetProperty("socket").GetString()))
        {
            Assert.True(local.PassesDescriptors);
        }

        Assert.Equal(HandshakeRefusal.TlsRequired, await RefusalAsync(silo, secret, null));
        Assert.Equal(HandshakeRefusal.SecretRequired, await RefusalAsync(silo, [], trust));
        Assert.Equal(HandshakeRefusal.Proof, await RefusalAsync(silo, new byte[32], trust));
        Assert.Equal(0, await silo.EndAsync("-TERM"));
    }

    [Fact]
    public async Task What_is_wrong_with_the_files_is_said_in_one_sentence()
    {
        var alone = await RunningSilo.RunAsync("serve", "--data-dir", In("data"), "--tls-cert", In("cert.pem"));
        Assert.Equal(2, alone.ExitCode);
        Assert.Contains("--tls-key", alone.Errors, StringComparison.Ordinal);

        File.WriteAllText(In("short"), "secret");
        var shortSecret = await RunningSilo.RunAsync(Ports("--cluster-secret-file", In("short")));
        Assert.Equal(1, shortSecret.ExitCode);
        Assert.Contains("openssl rand -hex 32", shortSecret.Errors, StringComparison.Ordinal);

        var noFile = await RunningSilo.RunAsync(Ports("--tls-cert", In("none.pem"), "--tls-key", In("none.key")));
        Assert.Equal(1, noFile.ExitCode);
        Assert.Contains(In("none.pem"), noFile.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", noFile.Errors, StringComparison.Ordinal);
    }

    private string[] Ports(params string[] more) =>
    [
        "serve", "--data-dir", In("data"), "--tier", $"nvme={In("tier")}:1GiB",
        "--silo-port", "0", "--gateway-port", "0", "--data-port", "0", "--http-port", "0", .. more,
    ];

    private static Task<BlockConnection> ConnectAsync(RunningSilo silo, byte[] secret, ServerTrust? trust, string? socket = null) =>
        BlockConnection.ConnectAsync(
            new DataEndpoint("127.0.0.1", silo.Port("data"), socket),
            new BlockConnectionOptions { ClusterId = ClusterIdentity.DefaultClusterId, ClusterSecret = secret, Tls = trust },
            TimeProvider.System, default);

    private static async Task<HandshakeRefusal> RefusalAsync(RunningSilo silo, byte[] secret, ServerTrust? trust) =>
        (await Assert.ThrowsAsync<HandshakeRefusedException>(() => ConnectAsync(silo, secret, trust))).Refusal;

    /// <summary>Its own authority.</summary>
    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=silo", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(In("cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(In("key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
