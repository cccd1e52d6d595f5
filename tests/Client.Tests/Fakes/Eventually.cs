using System.Diagnostics;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>Waits for what happens on other threads.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(5);

    public static async Task TrueAsync(Func<bool> condition, TimeSpan bound)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < bound, $"it did not happen within {bound}");
            await Task.Delay(Period);
        }
    }
}
