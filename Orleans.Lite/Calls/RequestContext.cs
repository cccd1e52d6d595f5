namespace Orleans.Runtime;

/// <summary>Key and value pairs that flow from caller to callee with every call. Values must be serializable.</summary>
public static class RequestContext
{
    // Copy on write: a dictionary that is in the AsyncLocal is never changed.
    private static readonly AsyncLocal<Dictionary<string, object>?> Values = new();

    internal static Dictionary<string, object>? Current
    {
        get => Values.Value;
        set
        {
            if (!ReferenceEquals(Values.Value, value))
            {
                Values.Value = value;
            }
        }
    }

    /// <summary>The value of a key, or null.</summary>
    public static object? Get(string key) => Values.Value?.GetValueOrDefault(key);

    /// <summary>Sets a value from here on in this flow.</summary>
    public static void Set(string key, object value) =>
        Values.Value = new Dictionary<string, object>(Values.Value ?? []) { [key] = value };

    /// <summary>Removes everything.</summary>
    public static void Clear() => Values.Value = null;
}
