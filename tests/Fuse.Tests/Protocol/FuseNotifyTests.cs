using System.Runtime.InteropServices;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Tests.Protocol;

public sealed class FuseNotifyTests
{
    [Fact]
    public void An_inode_notification_has_code_2_and_no_unique()
    {
        Span<byte> buffer = stackalloc byte[FuseNotify.BytesMax];
        var length = FuseNotify.WriteInvalidateInode(buffer, 7, -1, 0);
        var header = MemoryMarshal.Read<FuseOutHeader>(buffer);
        Assert.Equal((40, 40u, 2, 0ul), (length, header.LengthBytes, header.Error, header.Unique));
        var body = MemoryMarshal.Read<FuseInvalidateInodeOut>(buffer[16..]);
        Assert.Equal((7ul, -1L, 0L), (body.NodeId, body.Offset, body.Length));
    }

    [Fact]
    public void Names_are_closed_by_NUL_that_their_length_does_not_count()
    {
        Span<byte> buffer = stackalloc byte[FuseNotify.BytesMax];
        buffer.Fill(0xEE);
        Assert.Equal(16 + 16 + 4, FuseNotify.WriteInvalidateEntry(buffer, 1, "abc"u8));
        Assert.Equal(3u, MemoryMarshal.Read<FuseInvalidateEntryOut>(buffer[16..]).NameBytes);
        Assert.True(buffer[32..36].SequenceEqual("abc\0"u8));
        Assert.Equal(16 + 24 + 4, FuseNotify.WriteDelete(buffer, 1, 2, "xyz"u8));
        Assert.Equal(3u, MemoryMarshal.Read<FuseDeleteOut>(buffer[16..]).NameBytes);
        Assert.True(buffer[40..44].SequenceEqual("xyz\0"u8));
    }

    [Fact]
    public void The_longest_name_fits_and_a_longer_one_is_refused()
    {
        var buffer = new byte[FuseNotify.BytesMax];
        Assert.Equal(FuseNotify.BytesMax, FuseNotify.WriteDelete(buffer, 1, 2, new byte[1024]));
        Assert.Throws<ArgumentException>(() => FuseNotify.WriteDelete(buffer, 1, 2, new byte[1025]));
    }
}
