using System.Diagnostics;
using System.Reflection;
using OrleansCache.Client.Tests.Fakes;
using Xunit.Abstractions;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>Reads of what another host has in its cache: through the data plane, every time.</summary>
[Collection("alone")]
public sealed class RemoteReadTests(ITestOutputHelper output)
{
    private const int Length = 1 << 20;
    private const int Reads = 2000;

    // The aim is 0: the rest is the runtime's own, spread over all reads. One object a read is 24 at least. Without optimisation the
    // compiler makes an object of each async call; then only what was not there before the deadlines were kept is found.
    private static readonly double AllowedBytesPerRead =
        typeof(CachedFile).Assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true } ? 1700 : 12;

    [Theory]
    [InlineData(4 * 1024, false)]
    [InlineData(4 * 1024, true)]
    [InlineData(128 * 1024, true)]
    public async Task A_warm_read_allocates_nothing_at_either_end(int bytes, bool cancellable)
    {
        var content = new byte[Length];
        new Random(3).NextBytes(content);
        await using var rig = new WiredRig(overUnix: false);
        await using var file = await rig.OpenAsync(content);
        using var cancellation = new CancellationTokenSource();
        var token = cancellable ? cancellation.Token : default;
        var buffer = new byte[bytes];
        async Task<bool> ReadAllAsync()
        {
            var isRight = true;
            for (var read = 0; read < Reads; read++)
            {
                var offset = read * 4096 % (Length - bytes);
                isRight &= await file.ReadAsync(offset, buffer, token).ConfigureAwait(false) == bytes
                    && content.AsSpan(offset, bytes).SequenceEqual(buffer);
            }

            return isRight;
        }

        Assert.True(await ReadAllAsync(), "the bytes differ");
        var least = double.MaxValue;
        for (var round = 0; round < 5 && least > AllowedBytesPerRead; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Assert.True(await ReadAllAsync(), "the bytes differ");
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Reads);
        }

        output.WriteLine($"{least:0.0} bytes allocated per read of {bytes} bytes");
        Assert.True(least <= AllowedBytesPerRead, $"{least:0.0} bytes allocated per read of {bytes} bytes");
    }
}
