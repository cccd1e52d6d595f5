using System.Globalization;

namespace OrleansCache.Posix.Tests;

/// <summary><c>attach --option eviction=... --option quota=...</c> with the real programs.</summary>
public sealed class QuotaTests
{
    private const long Quota = 64 << 20, Block = 4 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory, InlineData("s3fifo"), InlineData("lru"), InlineData("epoch")]
    public async Task A_source_holds_its_quota_of_the_tier_and_its_bytes_are_right(string eviction)
    {
        const int Large = 8, Small = 300;
        await using var stack = await Stack.StartAsync(
            root =>
            {
                for (var file = 0; file < Large; file++)
                {
                    Content.WriteRandom(Path.Combine(root, "large", Name(file)), 3 * Block, file);
                }

                for (var file = 0; file < Small; file++)
                {
                    Content.WriteRandom(Path.Combine(root, "small", Name(file)), 60_000, 1000 + file);
                }
            },
            [$"eviction={eviction}", $"quota={Quota >> 20}MiB"]);
        Same(stack, "large");
        await UntilWithinAsync(stack, Quota); // The silo is told within seconds of the attach, fills may come before.
        Same(stack, "small");
        Same(stack, "large");
        await UntilWithinAsync(stack, Quota);
        Assert.InRange(await stack.MetricAsync("ocache_tier_resident_bytes"), Quota / 2, Quota);
    }

    private static string Name(int file) => file.ToString("d4", CultureInfo.InvariantCulture);

    private static void Same(Stack stack, string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(stack.Source, folder)))
        {
            Assert.Equal(Content.Hash(file), Content.Hash(stack.Mounted(Path.Combine(folder, Path.GetFileName(file)))));
        }
    }

    private static async Task UntilWithinAsync(Stack stack, long bytes)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (await stack.MetricAsync("ocache_tier_resident_bytes") is var held && held > bytes)
        {
            Assert.False(deadline.IsCancellationRequested, $"after {Patience} {held} bytes are held, more than {bytes}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), CancellationToken.None);
        }
    }
}
