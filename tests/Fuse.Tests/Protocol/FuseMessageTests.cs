using System.Runtime.InteropServices;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Tests.Protocol;

public sealed class FuseMessageTests
{
    [Fact]
    public void Any_bytes_are_parsed_or_refused_without_leaving_the_message() => Prop.ForAll<byte[]>(bytes =>
    {
        var accepted = FuseMessage.TryParse(bytes, out var message);
        return !accepted || (message.Header.LengthBytes == bytes.Length && message.Body.Length <= bytes.Length - 40);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_well_formed_message_gives_back_its_body_without_extensions() =>
        Prop.ForAll<byte[], byte>((body, extensions) =>
        {
            var bytes = Message(FuseOpcode.Lookup, body, extensions);
            Assert.True(FuseMessage.TryParse(bytes, out var message));
            return message.Body.SequenceEqual(body) && message.Header.Opcode == FuseOpcode.Lookup;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_cut_of_a_message_is_refused()
    {
        var bytes = Message(FuseOpcode.Lookup, "name\0"u8, 2);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(FuseMessage.TryParse(bytes.AsSpan(0, length), out _), $"accepted {length} bytes");
        }
    }

    [Fact]
    public void Extensions_longer_than_the_message_are_refused()
    {
        var bytes = Message(FuseOpcode.Lookup, "a\0"u8, 0);
        MemoryMarshal.AsRef<FuseInHeader>(bytes.AsSpan()).ExtensionUnits = 1;
        Assert.False(FuseMessage.TryParse(bytes, out _));
    }

    [Theory]
    [InlineData("name\0", true)]
    [InlineData("\0", false)]
    [InlineData("", false)]
    [InlineData("name", false)]
    [InlineData("a/b\0", false)]
    [InlineData("two\0names\0", true)]
    public void A_name_ends_with_NUL_and_is_one_path_part(string body, bool accepted) =>
        Assert.Equal(accepted, FuseMessage.TryName(Encoding.UTF8.GetBytes(body), out _));

    [Fact]
    public void Forget_lists_never_reach_beyond_the_message() => Prop.ForAll<byte[], uint>((tail, count) =>
    {
        var body = new byte[8 + tail.Length];
        MemoryMarshal.Write(body, in count);
        tail.CopyTo(body, 8);
        var accepted = FuseMessage.TryForgets(body, out var forgets);
        return accepted ? (uint)forgets.Length == count && count * 16L <= tail.Length : count * 16L > tail.Length;
    }).QuickCheckThrowOnFailure();

    internal static byte[] Message(FuseOpcode opcode, ReadOnlySpan<byte> body, int extensionUnits)
    {
        var bytes = new byte[40 + body.Length + (extensionUnits * 8)];
        var header = new FuseInHeader
        {
            LengthBytes = (uint)bytes.Length,
            Opcode = opcode,
            Unique = 10,
            NodeId = 1,
            ExtensionUnits = (ushort)extensionUnits,
        };
        MemoryMarshal.Write(bytes, in header);
        body.CopyTo(bytes.AsSpan(40));
        return bytes;
    }
}
