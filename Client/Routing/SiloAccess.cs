using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.Routing;

/// <summary>What a client shows to silos and believes of them, from its options.</summary>
internal static class SiloAccess
{
    /// <summary>Reads the files.</summary>
    /// <exception cref="ArgumentException">One cannot be used.</exception>
    public static BlockConnectionOptions Load(CacheClientOptions options, ILoggerFactory loggers)
    {
        try
        {
            return new BlockConnectionOptions
            {
                ClusterId = options.ClusterId,
                ClusterSecret = options.ClusterSecretFile is { } secret ? ClusterSecret.Read(secret) : [],
                Tls = options.TlsCaFile is { } authorities
                    ? ServerTrust.Load(authorities, options.TlsServerName, loggers.CreateLogger("OrleansCache.DataPlane"), options.TimeProvider)
                    : null,
            };
        }
        catch (IOException exception)
        {
            throw new ArgumentException(exception.Message, exception);
        }
    }
}
