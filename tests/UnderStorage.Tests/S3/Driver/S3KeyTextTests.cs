using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3KeyTextTests
{
    [Fact]
    public void Every_key_comes_back_from_its_encoding_and_different_keys_stay_different() => Prop.ForAll<byte[]>(bytes =>
    {
        var text = S3KeyText.Decode(string.Concat(bytes.Select(one => $"%{one:X2}")));
        var back = new List<byte>();
        for (var at = 0; at < text.Length; at++)
        {
            if (char.IsLowSurrogate(text[at]) && (at == 0 || !char.IsHighSurrogate(text[at - 1])))
            {
                back.Add((byte)(text[at] - 0xDC00));
            }
            else if (!char.IsHighSurrogate(text[at]))
            {
                back.AddRange(Encoding.UTF8.GetBytes(at > 0 && char.IsLowSurrogate(text[at]) ? text[(at - 1)..(at + 1)] : text[at..(at + 1)]));
            }
        }

        var isUtf8 = System.Text.Unicode.Utf8.IsValid(bytes);
        return back.SequenceEqual(bytes) && S3KeyText.IsWellFormed(text) == isUtf8
            && (!isUtf8 || text == Encoding.UTF8.GetString(bytes));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Keys_are_ordered_as_their_bytes() => Prop.ForAll<NonNull<string>, NonNull<string>>((one, other) =>
    {
        var (left, right) = (one.Get, other.Get);
        return !S3KeyText.IsWellFormed(left) || !S3KeyText.IsWellFormed(right)
            || Math.Sign(KeyOrder.Compare(left, right))
                == Math.Sign(Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right)));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("plain/key", "plain/key")]
    [InlineData("a+b%2Bc%2525", "a b+c%25")]
    [InlineData("100%", "100%")]
    [InlineData("%zz%4", "%zz%4")]
    public void Listings_are_decoded(string encoded, string key) => Assert.Equal(key, S3KeyText.Decode(encoded));

    [Fact]
    public void Bytes_that_are_not_UTF8_are_halves_of_pairs() => // a fact: the runner cannot carry such text as an argument
        Assert.Equal("🙂\uDCFF", S3KeyText.Decode("%F0%9F%99%82%FF"));

    [Fact]
    public void After_all_of_a_prefix_comes_nothing_of_it_and_everything_else()
    {
        foreach (var length in (int[])[2, 500, 1020, 1021, 1022, 1023])
        {
            var prefix = new string('p', length - 1) + "/";
            var after = S3KeyText.AfterAllOf(prefix);
            Assert.InRange(Encoding.UTF8.GetByteCount(after), length, 1024);
            Assert.True(KeyOrder.Compare(after, prefix + "~") > 0 || length == 1023);
            Assert.True(length > 1020 || KeyOrder.Compare(after, prefix + "\U0010FFFF") >= 0);
            Assert.True(length > 500 || KeyOrder.Compare(after, prefix + "\U0010FFFF\U0010FFFF\uFFFF") > 0);
            Assert.True(KeyOrder.Compare(after, new string('p', length - 1) + "0") < 0);
        }
    }

    [Theory]
    [InlineData("a/b", true)]
    [InlineData("a//b", true)]
    [InlineData("a/b/", true)]
    [InlineData("...", true)]
    [InlineData("/a", false)]
    [InlineData("a/../b", false)]
    [InlineData("./a", false)]
    [InlineData("a/..", false)]
    public void Keys_that_servers_may_fold_are_not_plain(string key, bool isPlain) => Assert.Equal(isPlain, S3KeyText.IsPlain(key));
}
