using System.Globalization;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.NullFuse;

/// <summary>The command line: a mount point and what the files there are like.</summary>
internal sealed record NullFuseOptions
{
    public const string Usage =
        "Usage: OrleansCache.NullFuse MOUNTPOINT [--size BYTES[K|M|G]] [--count FILES] [--direct-io] [--keep-cache]"
        + " [--no-open] [--threads N]";

    public required string MountPoint { get; init; }

    public long SizeBytes { get; init; } = 1L << 30;

    public ulong Count { get; init; } = 16;

    /// <summary>Reads go past the page cache.</summary>
    public bool DirectIo { get; init; }

    /// <summary>Pages stay from one open to the next.</summary>
    public bool KeepCache { get; init; }

    /// <summary>ENOSYS to OPEN: the kernel never asks again.</summary>
    public bool NoOpen { get; init; }

    public int? Threads { get; init; }

    public FuseOpenFlags OpenFlags => FuseOpenFlags.NoFlush
        | (DirectIo ? FuseOpenFlags.DirectIo : FuseOpenFlags.None)
        | (KeepCache ? FuseOpenFlags.KeepCache : FuseOpenFlags.None);

    /// <summary>Null when the line does not follow <see cref="Usage"/>.</summary>
    public static NullFuseOptions? Parse(ReadOnlySpan<string> arguments)
    {
        NullFuseOptions? options = null;
        for (var index = 0; index < arguments.Length; index++)
        {
            var argument = arguments[index];
            if (options is null)
            {
                options = new NullFuseOptions { MountPoint = argument };
                continue;
            }

            var value = index + 1 < arguments.Length ? arguments[index + 1] : string.Empty;
            if (options.With(argument, value) is not ({ } changed, var used))
            {
                return null;
            }

            options = changed;
            index += used;
        }

        return options;
    }

    private (NullFuseOptions? Options, int ValuesUsed) With(string name, string value) => name switch
    {
        "--direct-io" => (this with { DirectIo = true }, 0),
        "--keep-cache" => (this with { KeepCache = true }, 0),
        "--no-open" => (this with { NoOpen = true }, 0),
        "--size" when TrySize(value, out var size) => (this with { SizeBytes = size }, 1),
        "--count" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var count) =>
            (this with { Count = count }, 1),
        "--threads" when int.TryParse(value, CultureInfo.InvariantCulture, out var threads) && threads > 0 =>
            (this with { Threads = threads }, 1),
        _ => (null, 0),
    };

    private static bool TrySize(string text, out long size)
    {
        var shift = text.Length == 0 ? 0 : "KMG".IndexOf(text[^1], StringComparison.Ordinal) switch
        {
            0 => 10,
            1 => 20,
            2 => 30,
            _ => 0,
        };
        var parsed = long.TryParse(
            shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out size);
        size <<= shift;
        return parsed && size >= 0;
    }
}
