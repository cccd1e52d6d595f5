using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>The silos of the cluster. One, until the clustered engine replaces this by a shared table.</summary>
internal sealed class Membership(ILocalSiloDetails self)
{
    public SiloAddress Local => self.SiloAddress;

    public IReadOnlyList<SiloAddress> Active { get; } = [self.SiloAddress];
}

/// <summary>
/// Where each grain is active. With one silo the catalog is the directory, so this knows of nothing elsewhere;
/// clustered,
/// entries live on the silos and are fenced by membership versions.
/// </summary>
internal sealed class GrainDirectory
{
#pragma warning disable CA1822, IDE0060 // The clustered engine looks at the instance and the grain.
    public SiloAddress? Lookup(GrainId grain) => null;
#pragma warning restore CA1822, IDE0060
}

/// <summary>Where a grain that is active nowhere is activated: anywhere. Callers must not count on locality.</summary>
internal sealed class Placement
{
#pragma warning disable CA1822, IDE0060, CA5394 // A seam, and chance here decides nothing secret.
    public SiloAddress Choose(GrainId grain, IReadOnlyList<SiloAddress> silos) =>
        silos[Random.Shared.Next(silos.Count)];
#pragma warning restore CA1822, IDE0060, CA5394
}

/// <summary>Who this silo is, fixed at construction: each host start is a new life.</summary>
internal sealed class LocalSiloDetails : ILocalSiloDetails
{
    public LocalSiloDetails(
        IOptions<SiloOptions> silo, IOptions<ClusterOptions> cluster, IOptions<EndpointOptions> endpoint,
        TimeProvider time)
    {
        var options = endpoint.Value;
        var address = options.AdvertisedIPAddress ?? System.Net.IPAddress.Loopback;
        SiloAddress = SiloAddress.New(address, options.SiloPort, SiloAddress.NewGeneration(time));
        GatewayAddress = options.GatewayPort == 0
            ? null
            : SiloAddress.New(address, options.GatewayPort, SiloAddress.Generation);
        DnsHostName = Environment.MachineName;
        Name = silo.Value.SiloName ?? $"{DnsHostName}:{options.SiloPort}";
        ClusterId = cluster.Value.ClusterId;
    }

    public string Name { get; }

    public string ClusterId { get; }

    public string DnsHostName { get; }

    public SiloAddress SiloAddress { get; }

    public SiloAddress? GatewayAddress { get; }
}
