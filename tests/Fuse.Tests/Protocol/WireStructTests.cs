using System.Runtime.CompilerServices;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Tests.Protocol;

/// <summary>Sizes and offsets as include/uapi/linux/fuse.h of protocol 7.45 has them.</summary>
public sealed unsafe class WireStructTests
{
    [Fact]
    public void Structs_have_the_sizes_of_the_kernel()
    {
        Assert.Equal(40, sizeof(FuseInHeader));
        Assert.Equal(16, sizeof(FuseOutHeader));
        Assert.Equal(64, sizeof(FuseInitIn));
        Assert.Equal(64, sizeof(FuseInitOut));
        Assert.Equal(88, sizeof(FuseAttributes));
        Assert.Equal(128, sizeof(FuseEntryOut));
        Assert.Equal(104, sizeof(FuseAttributesOut));
        Assert.Equal(16, sizeof(FuseGetAttrIn));
        Assert.Equal(8, sizeof(FuseOpenIn));
        Assert.Equal(16, sizeof(FuseOpenOut));
        Assert.Equal(40, sizeof(FuseReadIn));
        Assert.Equal(24, sizeof(FuseReleaseIn));
        Assert.Equal(16, sizeof(FuseForgetOne));
        Assert.Equal(8, sizeof(FuseBatchForgetIn));
        Assert.Equal(8, sizeof(FuseAccessIn));
        Assert.Equal(8, sizeof(FuseXAttrIn));
        Assert.Equal(8, sizeof(FuseXAttrOut));
        Assert.Equal(80, sizeof(FuseStatFsOut));
        Assert.Equal(24, sizeof(FuseDirectoryEntry));
        Assert.Equal(24, sizeof(FuseInvalidateInodeOut));
        Assert.Equal(16, sizeof(FuseInvalidateEntryOut));
        Assert.Equal(24, sizeof(FuseDeleteOut));
        Assert.Equal(16, sizeof(FuseBackingMap));
    }

    [Fact]
    public void Fields_that_a_wrong_order_would_hide_are_where_the_kernel_has_them()
    {
        var init = default(FuseInitOut);
        ref var reply = ref Byte(ref init);
        Assert.Equal(16, Unsafe.ByteOffset(ref reply, ref Byte(ref init.BackgroundMax)));
        Assert.Equal(28, Unsafe.ByteOffset(ref reply, ref Byte(ref init.PagesMax)));
        Assert.Equal(32, Unsafe.ByteOffset(ref reply, ref Byte(ref init.FlagsHigh)));
        Assert.Equal(36, Unsafe.ByteOffset(ref reply, ref Byte(ref init.StackDepthMax)));
        var attributes = default(FuseAttributes);
        ref var start = ref Byte(ref attributes);
        Assert.Equal(60, Unsafe.ByteOffset(ref start, ref Byte(ref attributes.Mode)));
        Assert.Equal(80, Unsafe.ByteOffset(ref start, ref Byte(ref attributes.BlockSizeBytes)));
    }

    [Theory]
    [InlineData(-5, 0, 0)]
    [InlineData(0, 0, 0)]
    [InlineData(1, 0, 100)]
    [InlineData(15_000_001, 1, 500_000_100)]
    public void Validities_become_seconds_and_nanoseconds(long ticks, ulong seconds, uint nanoseconds) =>
        Assert.Equal((seconds, nanoseconds), FuseTime.Split(new TimeSpan(ticks)));

    private static ref byte Byte<T>(ref T field) => ref Unsafe.As<T, byte>(ref field);
}
