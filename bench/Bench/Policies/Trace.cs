using System.Globalization;

namespace OrleansCache.Bench.Policies;

/// <summary>One use of one item: a block of a file, or a small object.</summary>
internal readonly record struct Access(ulong Source, ulong Key, int Bytes);

/// <summary>What is used in which order. The hit ratio counts from <paramref name="MeasureFrom"/>: before, the cache warms up.</summary>
internal sealed record Trace(string Name, Access[] Accesses, int MeasureFrom)
{
    /// <summary>
    /// Reads a recorded trace: a line <c>source key bytes</c> per use in their order, source and key in hex, bytes in decimal; lines that
    /// begin with # are comments. A tenth warms up.
    /// </summary>
    public static Trace Read(string path)
    {
        var accesses = new List<Access>();
        foreach (var line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length != 3
                || !ulong.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var source)
                || !ulong.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var key)
                || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) || bytes == 0)
            {
                throw new InvalidDataException($"{path}: '{line}' is not a line of a trace: source key bytes.");
            }

            accesses.Add(new Access(source, key, bytes));
        }

        return new Trace(Path.GetFileName(path), [.. accesses], accesses.Count / 10);
    }

    /// <summary>Writes it in the same form.</summary>
    public void Write(string path) => File.WriteAllLines(
        path,
        Accesses.Select(access => string.Create(CultureInfo.InvariantCulture, $"{access.Source:x} {access.Key:x} {access.Bytes}"))
            .Prepend($"# {Name}: source key bytes"));
}
