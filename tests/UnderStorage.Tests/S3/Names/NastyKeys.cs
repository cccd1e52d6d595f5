using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Generators of buckets made to break the mapping: few pieces, so that they collide, and each of them a trap.</summary>
internal static class NastyKeys
{
    private static readonly string[] Pieces =
    [
        "", "", ".", "..", "...", "a", "a", "b", "a!", "a-", "a.txt", "a0", "A", "%", "%%", "%empty", "%%empty", "%dot", "%dotdot",
        "%%dotdot", "a%prefix", "a%prefix%", "a%object", "a%object%%", "%prefix", "%object", "%empty%prefix", "%dot%object",
        "%prefix%object", "%object%prefix%", "a%prefix%prefix", "\uF780", "a\uF7FF",
        "\uF7C3\uF7A9", "é", "\uFFFC", "\uE000", "😀", "\U0010FFFF", "\u0001", "a b",
        "a\n", "\r\n", "\u2028", "con", "a\\b", "a:b", "a*?", "&amp;", "<a>", "\"", "+", "%2F", "%00", "\uFEFF", "e\u0301",
        new string('x', 240), new string('x', 248), new string('x', 249), new string('x', 255), new string('x', 256),
        new string('é', 127), new string('é', 128), new string('x', 248) + "%prefix", "%" + new string('%', 249) + "empty",
        new string('\uF780', 85), new string('\uF780', 86),
    ];

    private static readonly string[] Uncertain = ["\uFFFD", "a\uFFFD", "\uFFFDz", "\0", "a\0b"];

    /// <summary>A segment: mostly a trap, sometimes two glued together.</summary>
    public static Gen<string> Segment { get; } = Gen.Frequency(
        (5, Gen.Elements(Pieces)),
        (1, from one in Gen.Elements(Pieces) from other in Gen.Elements(Pieces) select one + other),
        (1, from one in Gen.Elements("a", "b", "%", "!") from other in Gen.Elements(Pieces) select one + other));

    /// <summary>Keys of a bucket, all of them ones that text can carry.</summary>
    public static Gen<string[]> Certain { get; } = Bucket(Segment);

    /// <summary>Keys of a bucket, some of which no path can name.</summary>
    public static Gen<string[]> Any { get; } =
        Bucket(Gen.Frequency((9, Segment), (1, Gen.Elements(Uncertain))));

    /// <summary>A bucket with these keys; whether an object is empty follows from the seed.</summary>
    public static IReadOnlyList<S3Object> ToObjects(IEnumerable<string> keys, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. keys.Order(StringComparer.Ordinal).Select(key => new S3Object(
                key, random.Next(2) * random.Next(1, 1000), DateTime.UnixEpoch.AddMilliseconds(random.Next()), $"{random.Next():x}")),
        ];
    }

    private static Gen<string[]> Bucket(Gen<string> segment)
    {
        var key = from depth in Gen.Choose(1, 4)
                  from segments in segment.ArrayOf(depth)
                  select string.Join('/', segments);
        return from count in Gen.Choose(0, 25)
               from keys in key.ArrayOf(count)
               select keys.Where(one => one.Length > 0 && Encoding.UTF8.GetByteCount(one) <= 1024).Distinct().ToArray();
    }
}
