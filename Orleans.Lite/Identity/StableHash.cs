namespace Orleans.Runtime;

/// <summary>FNV-1a with a final mix: equal in every process and on every machine, not meant against
/// attackers.</summary>
internal static class StableHash
{
    public static ulong Of64(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        hash ^= hash >> 32;
        hash *= 0x9E3779B97F4A7C15UL;
        return hash ^ (hash >> 29);
    }

    public static ulong Of64(string text) => Of64(Encoding.UTF8.GetBytes(text));

    public static uint Of32(ReadOnlySpan<byte> bytes)
    {
        var hash = Of64(bytes);
        return (uint)(hash ^ (hash >> 32));
    }
}
