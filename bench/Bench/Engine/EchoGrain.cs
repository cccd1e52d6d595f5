namespace OrleansCache.Bench.Engine;

/// <inheritdoc cref="IEchoGrain"/>
[GrainType("bench-echo")]
internal sealed class EchoGrain : Grain, IEchoGrain
{
    /// <inheritdoc/>
    public ValueTask<int> Echo(int value) => new(value);
}
