using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.DataPlane.Tests.Tls;

/// <summary>A certificate authority of a test, with files in a directory of its own.</summary>
internal sealed class Authority : IDisposable
{
    private static readonly DateTimeOffset Begin = DateTimeOffset.UtcNow.AddDays(-2), End = DateTimeOffset.UtcNow.AddDays(2);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dp-tls-");
    private readonly X509Certificate2 _root;

    public Authority(string name = "test authority")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(Begin, End);
        File.WriteAllText(RootPath, _root.ExportCertificatePem());
    }

    public string RootPath => Path.Combine(_directory.FullName, "ca.pem");

    public TlsCertificateFiles Files => new(Path.Combine(_directory.FullName, "cert.pem"), Path.Combine(_directory.FullName, "key.pem"));

    /// <summary>Writes a new certificate of a server where <see cref="Files"/> are.</summary>
    public Authority Issue(string name = "localhost", DateTimeOffset? end = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=silo", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (name == "localhost")
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_root, Begin, end ?? End.AddDays(-1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Files.CertificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(Files.KeyPath, key.ExportPkcs8PrivateKeyPem());
        return this;
    }

    public BlockConnectionOptions Client(string? serverName = null, byte[]? secret = null, ILogger? logger = null) => new()
    {
        ClusterId = "test",
        ClusterSecret = secret,
        Tls = ServerTrust.Load(RootPath, serverName, logger ?? NullLogger.Instance, TimeProvider.System),
    };

    public void Dispose()
    {
        _root.Dispose();
        _directory.Delete(recursive: true);
    }
}
