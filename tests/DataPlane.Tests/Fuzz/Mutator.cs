namespace OrleansCache.DataPlane.Tests.Fuzz;

/// <summary>Makes wrong bytes of right ones. The same seed makes the same.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly byte[] Borders = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];

    public Random Random { get; } = new(seed);

    /// <summary>How long a fuzzer runs: 2 s in CI, 60 s with OCACHE_TEST_LONG=1.</summary>
    public static TimeSpan Budget { get; } =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 60 : 2);

    /// <summary>A recording with one to four things wrong.</summary>
    public byte[] Mutate(byte[] recording)
    {
        var bytes = recording.ToList();
        for (var left = Random.Next(1, 5); left > 0; left--)
        {
            var at = Random.Next(bytes.Count + 1);
            var rest = bytes.Count - at;
            switch (Random.Next(7))
            {
                case 0 when rest > 0:
                    bytes[at] ^= (byte)(1 << Random.Next(8));
                    break;
                case 1 when rest > 0:
                    bytes[at] = Borders[Random.Next(Borders.Length)];
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(rest, Random.Next(1, 64)));
                    break;
                case 3:
                    bytes.InsertRange(at, RandomBytes(Random.Next(1, 64)));
                    break;
                case 4:
                    // A part again: frames twice, or frames in frames.
                    var from = Random.Next(bytes.Count + 1);
                    bytes.InsertRange(at, bytes.GetRange(from, Math.Min(bytes.Count - from, Random.Next(1, 200))));
                    break;
                case 5 when rest >= 4:
                    // A number, as lengths and offsets are.
                    var border = Borders[Random.Next(Borders.Length)];
                    for (var index = 0; index < 4; index++)
                    {
                        bytes[at + index] = border;
                    }

                    break;
                default:
                    bytes.RemoveRange(at, rest);
                    break;
            }
        }

        return [.. bytes];
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        Random.NextBytes(bytes);
        return bytes;
    }
}
