namespace OrleansCache.Linux.Tests;

public sealed class DescriptorLimitTests
{
    [Fact]
    public void The_soft_limit_is_read()
    {
        Assert.Equal(4096, DescriptorLimit.Parse(
            ["Limit  Soft  Hard  Units", "Max open files            4096                 20000                files     "]));
        Assert.Equal(int.MaxValue, DescriptorLimit.Parse(["Max open files            unlimited            unlimited            files"]));
        Assert.Equal(1024, DescriptorLimit.Parse([]));
        Assert.InRange(DescriptorLimit.Read(), 64, int.MaxValue);
    }
}
