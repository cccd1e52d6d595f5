namespace OrleansCache.Namespaces;

/// <summary>How long a client may trust what a grain told it about names.</summary>
public static class DirectoryLease
{
    /// <summary>
    /// T of DESIGN §8. The client counts it on its own monotonic clock from before it asked, so the round trip shortens it.
    /// </summary>
    public static TimeSpan Default => TimeSpan.FromSeconds(10);
}
