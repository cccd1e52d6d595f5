using System.Net;

namespace Orleans.Configuration;

/// <summary>Which cluster this is.</summary>
public class ClusterOptions
{
    /// <summary>The deployment: silos and clients of different ids refuse each other.</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>The service: keep it stable, storage keys may contain it.</summary>
    public string ServiceId { get; set; } = "default";
}

/// <summary>Who this silo is.</summary>
public class SiloOptions
{
    /// <summary>The name; null for one made from the host's name and port.</summary>
    public string? SiloName { get; set; }
}

/// <summary>Where the silo listens.</summary>
public class EndpointOptions
{
    /// <summary>The address others use. Only loopback until the clustered engine brings a cluster secret.</summary>
    public IPAddress? AdvertisedIPAddress { get; set; } = IPAddress.Loopback;

    /// <summary>The port among silos.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>The port for clients; 0 for no gateway.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Where to listen for silos, if not at the advertised address.</summary>
    public IPEndPoint? SiloListeningEndpoint { get; set; }

    /// <summary>Where to listen for clients, if not at the advertised address.</summary>
    public IPEndPoint? GatewayListeningEndpoint { get; set; }
}

/// <summary>Connections to a silo.</summary>
public class ConnectionOptions
{
    /// <summary>How long a client waits between attempts to connect.</summary>
    public TimeSpan ConnectionRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long connecting and the handshake may take, each side.</summary>
    public TimeSpan OpenConnectionTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>The gateways of a client that was given them (<c>UseStaticClustering</c>).</summary>
public class StaticGatewayListProviderOptions
{
    /// <summary>As <c>gwy.tcp://host:port/generation</c>; only host and port count.</summary>
    public IList<Uri> Gateways { get; set; } = [];
}

/// <summary>The grain classes of this silo; all that are found at first, remove what should not be hosted.</summary>
public class GrainTypeOptions
{
    /// <summary>The classes.</summary>
    public HashSet<Type> Classes { get; } = [];
}
