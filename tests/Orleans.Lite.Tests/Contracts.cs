using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace OrleansCache.Orleans.Lite.Tests;

[GenerateSerializer, Alias("test.color")]
public enum Color : byte
{
    Red = 1,
    Blue = 200,
}

[GenerateSerializer]
public sealed class Mutable
{
    [Id(0)]
    public List<int> Items { get; set; } = [];

    [Id(1)]
    public Mutable? Child { get; set; }
}

[GenerateSerializer, Immutable]
public sealed class Frozen
{
    [Id(0)]
    public List<int> Items { get; set; } = [];
}

[GenerateSerializer, Alias("test.point")]
public readonly record struct Point([property: Id(0)] int X, [property: Id(1)] int Y);

[GenerateSerializer]
public abstract record Animal([property: Id(0)] string Name);

[GenerateSerializer, Alias("test.dog")]
public sealed record Dog(string Name, [property: Id(0)] int Legs) : Animal(Name);

[GenerateSerializer]
public sealed class Everything
{
    [Id(0)] public string? Text { get; init; }
    [Id(1)] public byte[]? Bytes { get; init; }
    [Id(3)] public Guid Guid { get; init; }
    [Id(4)] public UInt128 Big { get; init; }
    [Id(7)] public TimeSpan Span { get; init; }
    [Id(8)] public int? Maybe { get; init; }
    [Id(9)] public Color Color { get; init; }
    [Id(10)] public Dictionary<string, Point>? Points { get; init; }
    [Id(11)] public ImmutableArray<Point> Array { get; init; }
    [Id(13)] public GrainId Grain { get; init; }
    [Id(14)] public SiloAddress? Silo { get; init; }
    [Id(15)] public Animal? Pet { get; init; }
    [Id(16)] public object? Anything { get; init; }
    [Id(18)] public double Ratio { get; init; }
    [Id(20)] public string?[]? Words { get; init; }
    [Id(21)] public long Negative { get; init; }
    [Id(22)] private readonly int _hidden;
    [Id(24)] public ImmutableArray<int> Missing { get; init; }

    public Everything()
    {
    }

    public Everything(int hidden) => _hidden = hidden;

    public int Hidden => _hidden;
}

[GenerateSerializer]
public class KnownException(string message, int code) : Exception(message)
{
    [Id(0)]
    public int Code { get; private set; } = code;
}

public sealed class UnknownException(string message) : Exception(message);

[Alias("IEcho")]
public interface IEchoGrain : IGrainWithStringKey
{
    Task<string> Echo(string text);

    ValueTask<int> Add(int left, int right);

    Task Nothing();

    ValueTask NothingYet();

    Task<Everything> Mirror(Everything value);

    Task<Mutable> Keep(Mutable value);

    Task<bool> KeptIs(int count);

    Task<bool> SameInstance(Frozen value);

    Task KeepFrozen(Frozen value);

    Task ChangeKept(int value);

    Task<Mutable> GetKept();

    Task Throw(string kind);

    Task<string> Who();

    Task<string?> ReadContext(string key);

    Task<string> CallOther(IEchoGrain other, string text);

    Task<IEchoGrain> Self();

    Task<GrainId> Id();

    [OneWay]
    Task Notify(string text);

    Task<string> Notified();

    Task<object> Unsendable();

    Task<byte[]> Big(int size);

    Task<int> SizeOf(byte[] bytes);
}

internal interface IInternalGrain : IGrainWithStringKey
{
    Task<InternalThing> Get(InternalThing thing);
}

[GenerateSerializer]
internal sealed record InternalThing([property: Id(0)] int Value);

public interface IBusyGrain : IGrainWithStringKey
{
    Task Block(string gate);

    Task<int> Count();

    [ReadOnly]
    Task BlockReading(string gate);

    [ReadOnly]
    Task<int> Read();

    [AlwaysInterleave]
    Task<int> Always();

    [ResponseTimeout("00:00:01")]
    Task BlockBriefly(string gate);

    [ResponseTimeout("00:00:01")]
    Task<int> CallThrough(IBusyGrain other, IBusyGrain back);

    [ResponseTimeout("00:00:00.700")]
    Task<int> CallBack(IBusyGrain back);

    Task<int> MaybeInterleave(int value);

    Task<int> WaitForCancellation(string gate, CancellationToken cancellationToken);

    Task<bool> StaysOnScheduler();

    Task<List<int>> Log();

    Task Append(int value);
}

public interface IReentrantGrain : IGrainWithStringKey
{
    Task Block(string gate);

    Task<int> Free();
}

public interface ILifeGrain : IGrainWithStringKey
{
    Task<string> Activation();

    Task DeactivateSoon();

    Task Delay(int seconds);
}

public interface IKeptGrain : IGrainWithStringKey
{
    /// <summary>Constants are no members that travel.</summary>
    const string Key = "keep";

    Task<string> Activation();
}

public interface IFailingGrain : IGrainWithStringKey
{
    Task Work();
}

public interface IBrokenGrain : IGrainWithStringKey
{
    Task Work();
}

public interface IStateGrain : IGrainWithStringKey
{
    Task<int> Get();

    Task Set(int value);

    Task Clear();

    Task<string> Activation();

    Task<int> AtActivation();
}

[GenerateSerializer]
public sealed record TimerResult([property: Id(0)] int Fired, [property: Id(1)] int MaxOverlap);

public interface ITimerGrain : IGrainWithStringKey
{
    Task Start(int dueMs, int periodMs, int workMs, bool interleave, bool keepAlive);

    Task<TimerResult> Result();

    Task StartBlocking(string gate);

    [AlwaysInterleave]
    Task<int> Fired();

    Task Stop();

    Task BlockHere(string gate);
}
