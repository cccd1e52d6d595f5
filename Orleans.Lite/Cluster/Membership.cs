namespace Orleans.Runtime;

/// <summary>The silos of the cluster. One, until the clustered engine replaces this by a shared table.</summary>
internal sealed class Membership(ILocalSiloDetails self)
{
    public SiloAddress Local => self.SiloAddress;
    public IReadOnlyList<SiloAddress> Active { get; } = [self.SiloAddress];
}

#pragma warning disable CA1822, IDE0060, CA5394 // Seams; and chance here decides nothing secret.

/// <summary>Where each grain is active. With one silo the catalog is the directory, so this knows of nothing elsewhere;
/// clustered, entries live on the silos and are fenced by membership versions.</summary>
internal sealed class GrainDirectory
{
    public SiloAddress? Lookup(GrainId grain) => null;
}

/// <summary>Where a grain that is active nowhere is activated: anywhere. Callers must not count on locality.</summary>
internal sealed class Placement
{
    public SiloAddress Choose(GrainId grain, IReadOnlyList<SiloAddress> silos) =>
        silos[Random.Shared.Next(silos.Count)];
}

#pragma warning restore CA1822, IDE0060, CA5394

/// <summary>Who this silo is, fixed at construction: each host start is a new life.</summary>
internal sealed class LocalSiloDetails(
    IOptions<SiloOptions> silo, IOptions<EndpointOptions> endpoint, TimeProvider time) : ILocalSiloDetails
{
    public string Name { get; } = silo.Value.SiloName ?? $"{Environment.MachineName}:{endpoint.Value.SiloPort}";
    public SiloAddress SiloAddress { get; } = SiloAddress.New(
        endpoint.Value.AdvertisedIPAddress ?? IPAddress.Loopback, endpoint.Value.SiloPort,
        SiloAddress.NewGeneration(time));
}
