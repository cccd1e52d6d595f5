using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// Where the Unix socket goes: <c>run/data.sock</c> in the data directory, or, when that path is longer than Linux allows, a
/// short one derived from it below the run-time directory. A folder of its own, because only its user may enter it, whatever
/// the rights of the data directory are.
/// </summary>
internal static class SocketPath
{
    /// <summary>sun_path has 108 bytes, the last one is 0.</summary>
    public const int MaxBytes = 107;

    /// <summary>The path, or null when no place is short enough: the silo then serves over TCP only.</summary>
    /// <param name="dataDirectory">The data directory.</param>
    /// <param name="runtimeDirectory">The user's run-time directory (<c>XDG_RUNTIME_DIR</c>, or /run as root), or null.</param>
    public static string? Choose(string dataDirectory, string? runtimeDirectory)
    {
        var natural = Path.Combine(dataDirectory, "run", "data.sock");
        if (Encoding.UTF8.GetByteCount(natural) <= MaxBytes)
        {
            return natural;
        }

        if (string.IsNullOrEmpty(runtimeDirectory) || !Directory.Exists(runtimeDirectory))
        {
            return null;
        }

        // Derived: the same after a restart, another for another silo.
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dataDirectory)).AsSpan(0, 8));
        var path = Path.Combine(runtimeDirectory, "ocache", $"{name}.sock");
        return Encoding.UTF8.GetByteCount(path) <= MaxBytes ? path : null;
    }
}
