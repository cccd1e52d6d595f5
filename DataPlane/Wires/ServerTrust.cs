using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace OrleansCache.DataPlane.Wires;

/// <summary>Which servers a client believes: those whose certificate leads to one of its authorities and has the right name.</summary>
public sealed class ServerTrust
{
    private readonly RotatedFiles<X509Certificate2Collection>? _authorities;

    private ServerTrust(RotatedFiles<X509Certificate2Collection>? authorities, string? serverName) =>
        (_authorities, ServerName) = (authorities, serverName);

    /// <summary>The name a certificate must have; null = the address that was connected to.</summary>
    public string? ServerName { get; }

    /// <summary>Trust in the authorities of a PEM file, read again when it changes.</summary>
    /// <param name="authoritiesPath">The file; null = the system's authorities.</param>
    /// <param name="serverName">See <see cref="ServerName"/>.</param>
    /// <param name="logger">Told of changes.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">The file cannot be read or has no certificate.</exception>
    public static ServerTrust Load(string? authoritiesPath, string? serverName, ILogger logger, TimeProvider time)
    {
        if (authoritiesPath is null)
        {
            return new ServerTrust(null, serverName);
        }

        try
        {
            var files = new RotatedFiles<X509Certificate2Collection>(
                [authoritiesPath], texts => Make(authoritiesPath, texts[0]),
                reason => WireLog.Reloaded(logger, authoritiesPath, reason), time);
            return new ServerTrust(files, serverName);
        }
        catch (Exception exception) when (exception is CryptographicException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot use the authorities in {authoritiesPath}: {exception.Message}", exception);
        }
    }

    internal X509ChainPolicy ChainPolicy()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (_authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(_authorities.Get());
        }

        return policy;
    }

    private static X509Certificate2Collection Make(string path, string pem)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities.Count > 0 ? authorities : throw new CryptographicException($"{path} has no certificate in PEM");
    }
}
