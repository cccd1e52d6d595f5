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
}

/// <summary>Connections to a silo.</summary>
public class ConnectionOptions
{
    /// <summary>How long a client waits between attempts to connect.</summary>
    public TimeSpan ConnectionRetryDelay { get; set; } = TimeSpan.FromSeconds(1);
    /// <summary>How long connecting and the handshake may take, each side.</summary>
    public TimeSpan OpenConnectionTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>The gateways a client was given.</summary>
internal sealed class GatewayList
{
    public IReadOnlyList<IPEndPoint> Gateways { get; set; } = [];
}

/// <summary>When idle activations are collected.</summary>
public class GrainCollectionOptions
{
    /// <summary>How long an activation may be idle.</summary>
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);
    /// <summary>How often idle activations are looked for.</summary>
    public TimeSpan CollectionQuantum { get; set; } = TimeSpan.FromMinutes(1);
    /// <summary>How long reading state and OnActivateAsync may take.</summary>
    public TimeSpan ActivationTimeout { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>How long running calls and OnDeactivateAsync may take.</summary>
    public TimeSpan DeactivationTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Limits and times of messages, the same for silos and clients.</summary>
public abstract class MessagingOptions
{
    /// <summary>How long a caller waits for an answer. Then the outcome is unknown.</summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>Largest header: addresses and request context.</summary>
    public int MaxMessageHeaderSize { get; set; } = 10 * 1024 * 1024;
    /// <summary>Largest body: arguments or a result.</summary>
    public int MaxMessageBodySize { get; set; } = 100 * 1024 * 1024;
}

/// <summary>Limits and times of messages of a silo.</summary>
public class SiloMessagingOptions : MessagingOptions
{
    /// <summary>A client from which nothing came for this long is dropped.</summary>
    public TimeSpan ClientDropTimeout { get; set; } = TimeSpan.FromMinutes(1);
    /// <summary>How many requests may wait at one activation; more are refused. 0 for Lite's 10,000.</summary>
    public int MaxEnqueuedRequestsHardLimit { get; set; }
}

/// <summary>Limits and times of messages of a client.</summary>
public class ClientMessagingOptions : MessagingOptions;
