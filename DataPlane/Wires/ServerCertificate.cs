using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace OrleansCache.DataPlane.Wires;

/// <summary>A server's certificate with its key, ready for handshakes.</summary>
/// <param name="Context">What SslStream wants.</param>
/// <param name="Binding">What the data plane's own handshake says of it.</param>
internal sealed record ServerCertificate(SslStreamCertificateContext Context, byte[] Binding)
{
    /// <summary>Certificate and key from PEM files, read again when they change.</summary>
    /// <exception cref="Exception">They cannot be read or do not fit; the message says what.</exception>
    public static RotatedFiles<ServerCertificate> Load(TlsCertificateFiles files, ILogger logger, TimeProvider time) => new(
        [files.CertificatePath, files.KeyPath], texts => Make(files, texts[0], texts[1], time),
        reason => WireLog.Reloaded(logger, files.CertificatePath, reason), time);

    private static ServerCertificate Make(TlsCertificateFiles files, string certificatePem, string keyPem, TimeProvider time)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(certificatePem);
        X509Certificate2 own;
        try
        {
            own = X509Certificate2.CreateFromPem(certificatePem, keyPem);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new CryptographicException(
                $"{files.CertificatePath} and {files.KeyPath} are not a certificate and its unencrypted key in PEM: {exception.Message}", exception);
        }

        if (own.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime)
        {
            throw new CryptographicException($"the certificate in {files.CertificatePath} has ended {own.NotAfter.ToUniversalTime():u}");
        }

        // The first is the server's own; those behind it lead to the root.
        all.RemoveAt(0);
        return new ServerCertificate(SslStreamCertificateContext.Create(own, all, offline: true), SHA256.HashData(own.RawData));
    }
}
