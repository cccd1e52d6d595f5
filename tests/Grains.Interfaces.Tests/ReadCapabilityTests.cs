using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;

namespace OrleansCache.Grains.Interfaces.Tests;

public sealed class ReadCapabilityTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly DateTimeOffset Expires = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("imagenet/train/ü.jpeg", null)]
    [InlineData("", "")]
    [InlineData("x", "\"33a64df5\"")]
    public void It_survives_the_wire_and_stays_valid(string path, string? etag)
    {
        var issued = Issue(path, etag);
        var wire = Encode(issued);
        Assert.Equal(issued.EncodedBytes, wire.Length);
        Assert.True(ReadCapability.TryDecode(wire, out var read));
        Assert.Equal(issued, read);
        Assert.True(read!.IsValid(Key, Expires.AddSeconds(-1)));
    }

    [Fact]
    public void It_ends_at_its_time()
    {
        Assert.True(Issue().IsValid(Key, Expires.AddMilliseconds(-1)));
        Assert.False(Issue().IsValid(Key, Expires));
    }

    [Fact]
    public void Another_key_is_refused()
    {
        var other = Key.ToArray();
        other[31] ^= 1;
        Assert.False(Issue().IsValid(other, Expires.AddHours(-1)));
        Assert.False(Issue().IsValid([], Expires.AddHours(-1)));
    }

    [Fact]
    public void Every_flipped_bit_is_refused()
    {
        var wire = Encode(Issue("a/b", "tag"));
        for (var bit = 0; bit < wire.Length * 8; bit++)
        {
            var tampered = wire.ToArray();
            tampered[bit / 8] ^= (byte)(1 << (bit % 8));
            var accepted = ReadCapability.TryDecode(tampered, out var read) && read!.IsValid(Key, Expires.AddHours(-1));
            Assert.False(accepted, $"bit {bit} was flipped and nobody saw it");
        }
    }

    [Fact]
    public void Every_changed_field_is_refused()
    {
        var good = Issue("a/b", "tag");
        ReadCapability[] bad =
        [
            good with { Path = "a/c" },
            good with { Source = new SourceId(good.Source.Value + 1) },
            good with { File = new FileId(1, 1) },
            good with { Version = good.Version with { LengthBytes = good.Version.LengthBytes + 1 } },
            good with { Version = good.Version with { ETag = null } },
            good with { BlockSizeBytes = BlockLayout.MinBlockSizeBytes },
            good with { BlockSizeBytes = 12345 },
            good with { Key = new FileKey(1, 1) },
            good with { Seal = good.Seal with { ExpiresUnixSeconds = good.Seal.ExpiresUnixSeconds + 1 } },
        ];
        Assert.True(good.IsValid(Key, Expires.AddHours(-1)));
        Assert.All(bad, one => Assert.False(one.IsValid(Key, Expires.AddHours(-1)), one.ToString()));
    }

    [Fact]
    public void Garbage_is_never_accepted_and_never_throws()
    {
        var wire = Encode(Issue("some/path", "tag"));
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), RefusedOrEqual).QuickCheckThrowOnFailure();

        // Truncated, lengthened and overwritten real ones get further into the parser.
        var mangled = Gen.Zip(Gen.Choose(0, wire.Length + 8), Gen.Zip(Gen.Choose(0, wire.Length - 1), Gen.Choose(0, 255)))
            .Select(choice =>
            {
                var bytes = new byte[choice.Item1];
                wire.AsSpan(0, Math.Min(wire.Length, bytes.Length)).CopyTo(bytes);
                if (choice.Item2.Item1 < bytes.Length)
                {
                    bytes[choice.Item2.Item1] = (byte)choice.Item2.Item2;
                }

                return bytes;
            }).ToArbitrary();
        Prop.ForAll(mangled, RefusedOrEqual).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

        bool RefusedOrEqual(byte[] bytes) =>
            !ReadCapability.TryDecode(bytes, out var read)
            || !read!.IsValid(Key, Expires.AddHours(-1))
            || bytes.AsSpan().SequenceEqual(wire);
    }

    [Theory]
    [InlineData(4000, null)]
    [InlineData(10, 1000)]
    public void Text_that_is_not_UTF8_is_refused_however_long(int pathLength, int? etagLength)
    {
        var wire = Encode(Issue(new string('p', pathLength), etagLength is { } length ? new string('t', length) : null));
        wire.AsSpan(97).Fill(0xFF);
        Assert.False(ReadCapability.TryDecode(wire, out _));
    }

    [Fact]
    public void A_destination_that_is_too_small_is_refused() =>
        Assert.Throws<ArgumentException>(() => Issue().Encode(new byte[Issue().EncodedBytes - 1]));

    private static ReadCapability Issue(string path = "p", string? etag = null) => ReadCapability.Issue(
        new SourceId(5), path, new FileId(1, 2), new FileVersion(10, 20, 30, etag), BlockLayout.Default, Expires, Key);

    private static byte[] Encode(ReadCapability capability)
    {
        var wire = new byte[capability.EncodedBytes];
        Assert.Equal(wire.Length, capability.Encode(wire));
        return wire;
    }
}
