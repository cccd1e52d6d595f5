using System.Text;
using OrleansCache.Files;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Paths of the namespace: absolute, no dot components, no slash at the end but for the root.</summary>
internal static class NamespacePath
{
    private const int MaxBytes = 4095;

    /// <summary>The one spelling of a path a person typed.</summary>
    /// <exception cref="CacheRequestException">It is not an absolute path.</exception>
    public static string Normalize(string path)
    {
        if (!path.StartsWith('/'))
        {
            throw Refuse(path, "it must be absolute, such as /imagenet");
        }

        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (var part in parts)
        {
            if (part is "." or "..")
            {
                throw Refuse(path, "'.' and '..' have no meaning in it; write the path itself");
            }

            if (part.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(part) > EntryName.MaxBytes)
            {
                throw Refuse(path, $"each name must have at most {EntryName.MaxBytes} bytes and no zero byte");
            }
        }

        var normal = $"/{string.Join('/', parts)}";
        return Encoding.UTF8.GetByteCount(normal) <= MaxBytes
            ? normal
            : throw Refuse(path[..100], $"it must have at most {MaxBytes} bytes");
    }

    /// <summary>Whether one path is the other or lies above or below it.</summary>
    public static bool Overlap(string one, string other) => IsWithin(one, other) || IsWithin(other, one);

    private static bool IsWithin(string path, string above) =>
        above == "/" || path == above
        || (path.StartsWith(above, StringComparison.Ordinal) && path.Length > above.Length && path[above.Length] == '/');

    private static CacheRequestException Refuse(string path, string why) =>
        new(RequestError.InvalidArgument, $"'{path}' cannot be a namespace path: {why}.");
}
