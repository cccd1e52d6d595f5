using Orleans;

#pragma warning disable CA1044, CA1716 // These contracts are wrong on purpose.

namespace OrleansCache.Orleans.Lite.Tests.Bad;

public interface IReturnsInt : IGrainWithStringKey
{
    int Get();
}

public interface ITakesRef : IGrainWithStringKey
{
    Task Get(ref int value);
}

public interface IHasProperty : IGrainWithStringKey
{
    Task<int> Value { get; }
}

public interface IClashingAliases : IGrainWithStringKey
{
    [Alias("same")]
    Task First();

    [Alias("same")]
    Task Second();
}

[GenerateSerializer]
public sealed class MissingId
{
    [Id(0)]
    public int Good { get; set; }

    public int Forgotten { get; set; }
}

[GenerateSerializer]
public sealed class DuplicateId
{
    [Id(0)]
    public int First { get; set; }

    [Id(0)]
    public int Second { get; set; }
}

[GenerateSerializer, Alias("clash")]
public sealed class AliasOne;

[GenerateSerializer, Alias("clash")]
public sealed class AliasTwo;

public sealed class NotSerializable
{
    public int Value { get; set; }
}

public interface ITakesUnserializable : IGrainWithStringKey
{
    Task Take(NotSerializable value);
}

internal sealed class TakesUnserializableGrain : Grain, ITakesUnserializable
{
    public Task Take(NotSerializable value) => Task.CompletedTask;
}

[GenerateSerializer]
public sealed class KnownToTheClientOnly;
