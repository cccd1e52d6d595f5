namespace OrleansCache.DataPlane.Wires;

/// <summary>Where a server's certificate is.</summary>
/// <param name="CertificatePath">PEM: the certificate, and behind it those that lead to the root.</param>
/// <param name="KeyPath">PEM: its private key, unencrypted.</param>
public sealed record TlsCertificateFiles(string CertificatePath, string KeyPath);
