namespace OrleansCache;

/// <summary>What silos and clients call their cluster unless told otherwise: both must say the same to be let in.</summary>
public static class ClusterIdentity
{
    /// <summary>Default of the engine's cluster id.</summary>
    public const string DefaultClusterId = "orleanscache";

    /// <summary>The engine's service id; storage keys may contain it, so it never changes.</summary>
    public const string ServiceId = "orleanscache";
}
