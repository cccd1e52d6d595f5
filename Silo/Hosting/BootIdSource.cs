using System.Security.Cryptography;
using System.Text;
using OrleansCache.BlockStore;

namespace OrleansCache.Silo.Hosting;

/// <summary>The machine's boot id, or the one a test simulates.</summary>
internal static class BootIdSource
{
    /// <summary>
    /// For tests only, not a setting, may change or go: any text; another text than at the last start is a machine that
    /// restarted in between.
    /// </summary>
    public const string TestVariable = "OCACHE_TEST_BOOT_ID";

    /// <summary>Reads it.</summary>
    public static Guid Read() => Environment.GetEnvironmentVariable(TestVariable) switch
    {
        null or "" => BootId.Read(),
        var text when Guid.TryParse(text, out var id) => id,
        var text => new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16)),
    };
}
