namespace OrleansCache.Routing;

/// <summary>Names the running kernel: only processes with the same name can share Unix sockets and descriptors.</summary>
internal static class HostIdentity
{
    private const string BootIdPath = "/proc/sys/kernel/random/boot_id";

    /// <summary>The boot id of this kernel; empty when there is none, which is nobody's.</summary>
    public static string Read() => File.Exists(BootIdPath) ? File.ReadAllText(BootIdPath).Trim() : string.Empty;
}
