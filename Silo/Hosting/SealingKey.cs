using System.Security.Cryptography;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// The key of read capabilities, made at the first start and kept: capabilities that clients hold stay good over a restart.
/// </summary>
internal static class SealingKey
{
    /// <summary>As long as the hash: HMAC-SHA256 gains nothing from more.</summary>
    public const int LengthBytes = 32;

    /// <summary>The key in the file, or a new one written there.</summary>
    public static byte[] LoadOrCreate(string path)
    {
        if (File.Exists(path))
        {
            var known = File.ReadAllBytes(path);
            return known.Length == LengthBytes
                ? known
                : throw SiloStartException.Failure(
                    $"{path} is {known.Length} bytes long instead of {LengthBytes}; "
                    + "restore it, or delete it (clients then look their files up again)");
        }

        var key = RandomNumberGenerator.GetBytes(LengthBytes);
        DurableFile.Write(path, key);
        return key;
    }
}
