namespace OrleansCache.Namespaces;

/// <summary>
/// Patterns over paths inside a source: <c>?</c> is one character and <c>*</c> any number of them within a name, <c>**</c> any number
/// also across slashes. A pattern without a slash is for the last name, wherever it lies. Linear in the path for each <c>*</c>.
/// </summary>
public static class PathGlob
{
    /// <summary>Longest pattern accepted, in characters.</summary>
    public const int MaxLength = 256;

    /// <summary>Whether a path (without leading slash) matches.</summary>
    public static bool IsMatch(string pattern, string path)
    {
        var anchored = pattern.AsSpan().TrimStart('/');
        var text = pattern.Contains('/', StringComparison.Ordinal) ? path.AsSpan() : path.AsSpan(path.LastIndexOf('/') + 1);
        return IsMatch(anchored, text);
    }

    // Greedy with the newest star remembered: a "**" outlives a "*" behind it, for only it may cross a slash.
    private static bool IsMatch(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0;
        (int P, int T) star = (-1, 0), deep = (-1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                var isDeep = p + 1 < pattern.Length && pattern[p + 1] == '*';
                p += isDeep ? 2 : 1;
                star = isDeep ? (-1, 0) : (p, t);
                deep = isDeep ? (p, t) : deep;
            }
            else if (p < pattern.Length && (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/')))
            {
                p++;
                t++;
            }
            else if (star.P >= 0 && text[star.T] != '/')
            {
                star.T++;
                (p, t) = star;
            }
            else if (deep.P >= 0)
            {
                deep.T++;
                (p, t) = deep;
                star = (-1, 0);
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].Trim('*').IsEmpty;
    }
}
