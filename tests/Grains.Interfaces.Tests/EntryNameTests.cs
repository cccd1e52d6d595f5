using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;

namespace OrleansCache.Grains.Interfaces.Tests;

public sealed class EntryNameTests
{
    [Fact]
    public void Every_byte_string_has_one_text_and_back()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), Reverses).QuickCheckThrowOnFailure();

        // Bytes near the edges of UTF-8 and of our escapes, which random bytes hardly meet.
        byte[] interesting = [0x00, 0x2F, 0x7F, 0x80, 0xBF, 0xC2, 0xE0, 0xED, 0xEF, 0x9C, 0x9E, 0x9F, 0xA0, 0xF0, 0xF4, 0x90, 0xFF];
        var edges = Gen.ArrayOf(Gen.Elements(interesting)).ToArbitrary();
        Prop.ForAll(edges, Reverses).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    [Fact]
    public void Different_names_have_different_texts() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<byte[]>(),
            (one, other) => one.AsSpan().SequenceEqual(other) == (EntryName.FromBytes(one) == EntryName.FromBytes(other)))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Ordinary_text_is_itself()
    {
        foreach (var name in (string[])["plain", "ünï", "日本", "😀", "\uF6FF", "\uF800", ""])
        {
            Assert.Equal(name, EntryName.FromBytes(System.Text.Encoding.UTF8.GetBytes(name)));
            Assert.Equal(System.Text.Encoding.UTF8.GetBytes(name), EntryName.ToBytes(name));
        }
    }

    [Fact]
    public void A_byte_that_is_not_UTF8_and_a_real_escape_character_are_told_apart()
    {
        Assert.Equal("a\uF7FFb", EntryName.FromBytes([(byte)'a', 0xFF, (byte)'b']));
        var real = System.Text.Encoding.UTF8.GetBytes("\uF7FF");
        Assert.Equal("\uF7EF\uF79F\uF7BF", EntryName.FromBytes(real));
        Assert.Equal(real, EntryName.ToBytes("\uF7EF\uF79F\uF7BF"));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_no_name() => Assert.Throws<ArgumentException>(() => EntryName.ToBytes("a\ud800"));

    private static bool Reverses(byte[] name) => EntryName.ToBytes(EntryName.FromBytes(name)).AsSpan().SequenceEqual(name);
}
