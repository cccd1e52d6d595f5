namespace OrleansCache.Bench.Engine;

/// <summary>The smallest grain there is.</summary>
[Alias("bench.IEchoGrain")]
public interface IEchoGrain : IGrainWithStringKey
{
    /// <summary>Gives back what it got.</summary>
    [Alias("Echo")]
    ValueTask<int> Echo(int value);
}
