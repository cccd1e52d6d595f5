using System.Diagnostics;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Waits for what another thread is about to do, with a bound and a message.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    public static async Task Is(Func<bool> condition, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, $"within {Limit}: {what}");
            await Task.Delay(5);
        }
    }

    public static Task<T> Ends<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    public static byte[] Ramp(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
