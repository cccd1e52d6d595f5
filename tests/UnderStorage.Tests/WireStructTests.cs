using System.Runtime.CompilerServices;
using OrleansCache.UnderStorage.Directories.Native;

namespace OrleansCache.UnderStorage.Tests;

public sealed class WireStructTests
{
    [Fact]
    public void Structs_have_the_kernels_sizes()
    {
        Assert.Equal(24, Unsafe.SizeOf<OpenHow>());
        Assert.Equal(16, Unsafe.SizeOf<StatxTime>());
        Assert.Equal(256, Unsafe.SizeOf<StatxBuffer>());
        Assert.Equal(136, Unsafe.SizeOf<FileHandleBuffer>());
        Assert.Equal(120, Unsafe.SizeOf<StatFsBuffer>());
    }

    [Fact]
    public void A_time_beyond_the_range_of_nanoseconds_saturates()
    {
        Assert.Equal(long.MaxValue, new StatxTime { Seconds = long.MaxValue }.TotalNanoseconds);
        Assert.Equal(long.MinValue, new StatxTime { Seconds = long.MinValue }.TotalNanoseconds);
        Assert.Equal(-1, new StatxTime { Seconds = -1, Nanoseconds = 999_999_999 }.TotalNanoseconds);
    }
}
