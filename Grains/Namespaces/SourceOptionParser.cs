using System.Globalization;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>The options of <c>ocache attach --option name=value</c>: names, ranges and what is said about mistakes, in one place.</summary>
internal static class SourceOptionParser
{
    private const string SubtreePrefix = "sync:";

    /// <summary>Rules for parts: each lookup of a rule looks at all of them, and the namespace's table carries them.</summary>
    public const int MaxSubtrees = 64;

    /// <summary>Patterns: each file seen is compared with all of them.</summary>
    public const int MaxPatterns = 64;

    /// <summary>Less is not worth a rule: a few blocks.</summary>
    public const long QuotaBytesMin = 64L << 20;

    private static readonly (string Suffix, long Unit)[] SizeUnits =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("", 1)];

    /// <summary>Reads options as typed.</summary>
    /// <param name="typed">Name=value each.</param>
    /// <param name="defaultSync">The rule where none is typed; null = <see cref="SyncRule.Default"/>.</param>
    /// <exception cref="CacheRequestException">One is unknown, given twice or out of range.</exception>
    public static SourceOptions Parse(IEnumerable<string> typed, SyncRule? defaultSync = null)
    {
        var options = new SourceOptions { Sync = defaultSync ?? SyncRule.Default };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var text in typed)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw Refuse($"option '{text}' has no value. Write it as name=value.");
            }

            var (name, value) = (text[..equals].Trim(), text[(equals + 1)..].Trim());
            if (name.StartsWith(SubtreePrefix, StringComparison.Ordinal))
            {
                name = $"{SubtreePrefix}/{ParseSubtree(name[SubtreePrefix.Length..])}"; // one spelling, so that twice is seen
            }

            if (!seen.Add(name == "immutable" ? $"immutable={value}" : name))
            {
                throw Refuse($"option '{(name == "immutable" ? text : name)}' is given twice. Give it once.");
            }

            options = name switch
            {
                "block-size" => options with { BlockSizeBytes = ParseBlockSize(value) },
                "sync" => options with { Sync = ParseSync(value) },
                "eviction" => options with { Eviction = ParseEviction(value) },
                "quota" => options with { QuotaBytes = ParseQuota(value) },
                "immutable" => options with { ImmutableFiles = options.ImmutableFiles.Add(ParsePattern(value)) },
                _ when name.StartsWith(SubtreePrefix, StringComparison.Ordinal) => options with
                {
                    Subtrees = options.Subtrees.Add(new SubtreeSync(name[(SubtreePrefix.Length + 1)..], ParseSync(value))),
                },
                // The driver of the URI's scheme knows whether there is such an option.
                _ => options with { Driver = options.Driver.Add(new DriverOption(name, value)) },
            };
        }

        return options.Subtrees.Length > MaxSubtrees
            ? throw Refuse($"{options.Subtrees.Length} parts have a sync rule of their own; the limit is {MaxSubtrees}. Give rules to larger parts.")
            : options.ImmutableFiles.Length > MaxPatterns
            ? throw Refuse($"{options.ImmutableFiles.Length} patterns of immutable files are given; the limit is {MaxPatterns}.")
            : options;
    }

    private static int ParseBlockSize(string value)
    {
        var (digits, unit) =
            value.EndsWith("KiB", StringComparison.Ordinal) ? (value[..^3], 1L << 10)
            : value.EndsWith("MiB", StringComparison.Ordinal) ? (value[..^3], 1L << 20)
            : (value, 1L);
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count <= BlockLayout.MaxBlockSizeBytes
            && count * unit <= BlockLayout.MaxBlockSizeBytes
            && new BlockLayout((int)(count * unit)).IsValid)
        {
            return (int)(count * unit);
        }

        throw Refuse($"block-size '{value}' is not usable. Give a power of two from 256KiB to 64MiB, such as 4MiB.");
    }

    private static EvictionKind ParseEviction(string value) => value switch
    {
        "s3fifo" => EvictionKind.S3Fifo,
        "lru" => EvictionKind.Lru,
        "epoch" => EvictionKind.Epoch,
        _ => throw Refuse($"eviction '{value}' is not known. Give s3fifo, lru or epoch."),
    };

    private static long ParseQuota(string value)
    {
        var (suffix, unit) = Array.Find(SizeUnits, one => value.EndsWith(one.Suffix, StringComparison.Ordinal));
        return long.TryParse(value[..^suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count <= long.MaxValue / unit && count * unit >= QuotaBytesMin
            ? count * unit
            : throw Refuse($"quota '{value}' is not usable. Give at least 64MiB, as a whole number of KiB, MiB, GiB or TiB, such as 200GiB.");
    }

    private static SyncRule ParseSync(string value) => SyncRule.TryParse(value, out var rule)
        ? rule
        : throw Refuse($"sync '{value}' is not usable. Give always, never or interval(N) with N from 1ms to 168h, such as interval(10s).");

    private static string ParseSubtree(string path) => NamespacePath.Normalize(path).TrimStart('/');

    private static string ParsePattern(string pattern) => pattern.Length is > 0 and <= PathGlob.MaxLength
        ? pattern
        : throw Refuse($"immutable '{pattern}' is not usable. Give a pattern of at most {PathGlob.MaxLength} characters, such as *.tar.");

    private static CacheRequestException Refuse(string message) => new(RequestError.InvalidArgument, message);
}
