using System.Collections.Concurrent;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;
using Orleans.Serialization.Invocation;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Points where grain code stops until a test lets it go on.</summary>
internal sealed class Gate
{
    private static readonly ConcurrentDictionary<string, Gate> All = new();

    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Entered => _entered.Task.WaitAsync(TestHost.Patience);

    public bool IsEntered => _entered.Task.IsCompleted;

    public static Gate Of(string name) => All.GetOrAdd(name, static _ => new Gate());

    public void Open() => _open.TrySetResult();

    public Task Pass()
    {
        _entered.TrySetResult();
        return _open.Task;
    }
}

internal sealed class EchoGrain : Grain, IEchoGrain
{
    private static readonly ConcurrentDictionary<string, Frozen> FrozenByKey = new();
    private Mutable? _kept;
    private string _notified = string.Empty;

    public static Frozen? FrozenOf(string key) => FrozenByKey.GetValueOrDefault(key);

    public Task<string> Echo(string text) => Task.FromResult(text);

    public ValueTask<int> Add(int left, int right) => new(left + right);

    public Task Nothing() => Task.CompletedTask;

    public async ValueTask NothingYet() => await Task.Yield();

    public Task<Everything> Mirror(Everything value) => Task.FromResult(value);

    public Task<Mutable> Keep(Mutable value)
    {
        _kept = value;
        return Task.FromResult(value);
    }

    public Task<bool> KeptIs(int count) => Task.FromResult(_kept!.Items.Count == count);

    public Task<bool> SameInstance(Frozen value) =>
        Task.FromResult(ReferenceEquals(FrozenOf(this.GetPrimaryKeyString()), value));

    public Task KeepFrozen(Frozen value)
    {
        FrozenByKey[this.GetPrimaryKeyString()] = value;
        return Task.CompletedTask;
    }

    public Task ChangeKept(int value)
    {
        _kept!.Items.Add(value);
        return Task.CompletedTask;
    }

    public Task<Mutable> GetKept() => Task.FromResult(_kept!);

    public async Task Throw(string kind)
    {
        await Task.Yield();
        throw kind switch
        {
            "known" => new KnownException("it broke", 42),
            "timeout" => new TimeoutException("too slow"),
            "inner" => new InvalidOperationException("outer", new KnownException("cause", 7)),
            "cancelled" => new OperationCanceledException("changed my mind"),
            "argument" => new ArgumentNullException(nameof(kind), "no path"),
            _ => new UnknownException("who am I"),
        };
    }

    public Task<string> Who() => Task.FromResult(IdentityString);

    public Task<string?> ReadContext(string key) => Task.FromResult((string?)RequestContext.Get(key));

    public Task<string> CallOther(IEchoGrain other, string text) => other.Echo(text);

    public Task<IEchoGrain> Self() => Task.FromResult(this.AsReference<IEchoGrain>());

    public Task<GrainId> Id() => Task.FromResult(this.GetGrainId());

    public Task Notify(string text)
    {
        _notified = text;
        return Task.CompletedTask;
    }

    public Task<string> Notified() => Task.FromResult(_notified);

    public Task<object> Unsendable() => Task.FromResult<object>(new UnknownException("x").GetType());

    public Task<byte[]> Big(int size) => Task.FromResult(new byte[size]);

    public Task<int> SizeOf(byte[] bytes) => Task.FromResult(bytes.Length);
}

internal sealed class InternalGrain : Grain, IInternalGrain
{
    public Task<InternalThing> Get(InternalThing thing) => Task.FromResult(thing with { Value = thing.Value + 1 });
}

[MayInterleave(nameof(Interleaves))]
internal sealed class BusyGrain : Grain, IBusyGrain
{
    private readonly List<int> _log = [];
    private int _count;

    public static bool Interleaves(IInvokable request) =>
        request.GetMethodName() == nameof(MaybeInterleave) && (int)request.GetArgument(0)! > 100;

    public async Task Block(string gate)
    {
        await Gate.Of(gate).Pass();
        _count++;
    }

    public Task<int> Count() => Task.FromResult(_count);

    public Task BlockReading(string gate) => Gate.Of(gate).Pass();

    public Task<int> Read() => Task.FromResult(_count);

    public Task<int> Always() => Task.FromResult(_count);

    public Task BlockBriefly(string gate) => Block(gate);

    public Task<int> CallThrough(IBusyGrain other, IBusyGrain back) => other.CallBack(back);

    public Task<int> CallBack(IBusyGrain back) => back.Count();

    public Task<int> MaybeInterleave(int value) => Task.FromResult(value);

    public async Task<int> WaitForCancellation(string gate, CancellationToken cancellationToken)
    {
        _ = Gate.Of(gate + ".in").Pass();
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(cancelled.SetResult);
        await cancelled.Task;
        _ = Gate.Of(gate + ".cancelled").Pass();
        return 1;
    }

    public async Task<bool> StaysOnScheduler()
    {
        var before = TaskScheduler.Current;
        await Task.Delay(1);
        await Task.Run(static () => { });
        return before == TaskScheduler.Current && before != TaskScheduler.Default;
    }

    public Task<List<int>> Log() => Task.FromResult(_log);

    public Task Append(int value)
    {
        _log.Add(value);
        return Task.CompletedTask;
    }
}

[Reentrant]
internal sealed class ReentrantGrain : Grain, IReentrantGrain
{
    public Task Block(string gate) => Gate.Of(gate).Pass();

    public Task<int> Free() => Task.FromResult(1);
}

[CollectionAgeLimit("00:00:00.200")]
internal sealed class LifeGrain : Grain, ILifeGrain
{
    public static readonly ConcurrentDictionary<string, DeactivationReasonCode> Ended = new();
    private readonly string _activation = Guid.NewGuid().ToString();

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Ended[this.GetPrimaryKeyString()] = reason.ReasonCode;
        return Task.CompletedTask;
    }

    public Task<string> Activation() => Task.FromResult(_activation);

    public Task DeactivateSoon()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task Delay(int seconds)
    {
        DelayDeactivation(TimeSpan.FromSeconds(seconds));
        return Task.CompletedTask;
    }
}

[KeepAlive, GrainType("kept-by-name")]
internal sealed class KeptGrain(IGrainContext context) : IGrainBase, IKeptGrain
{
    private readonly string _activation = context.GrainId + Guid.NewGuid().ToString();

    public IGrainContext GrainContext => context;

    public Task<string> Activation() => Task.FromResult(_activation);
}

internal sealed class FailingGrain : Grain, IFailingGrain
{
    public static int Activations;

    public override Task OnActivateAsync(CancellationToken cancellationToken) =>
        Interlocked.Increment(ref Activations) == 1
            ? throw new KnownException("no activation today", 3)
            : Task.CompletedTask;

    public Task Work() => Task.CompletedTask;
}

internal sealed class BrokenGrain : Grain, IBrokenGrain
{
    public BrokenGrain() => throw new KnownException("no such grain", 4);

    public Task Work() => Task.CompletedTask;
}

internal sealed class StateGrain([PersistentState("number", "test")] IPersistentState<StateGrain.Number> state)
    : Grain, IStateGrain
{
    private readonly string _activation = Guid.NewGuid().ToString();
    private int _atActivation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _atActivation = state.State.Value;
        return Task.CompletedTask;
    }

    public Task<int> Get() => Task.FromResult(state.State.Value);

    public Task Set(int value)
    {
        state.State.Value = value;
        return state.WriteStateAsync();
    }

    public Task Clear() => state.ClearStateAsync();

    public Task<string> Activation() => Task.FromResult(_activation);

    public Task<int> AtActivation() => Task.FromResult(_atActivation);

    internal sealed class Number
    {
        public int Value { get; set; } = -1;
    }
}

[CollectionAgeLimit("00:00:00.300")]
internal sealed class TimerGrain : Grain, ITimerGrain
{
    private IGrainTimer? _timer;
    private int _fired;
    private int _running;
    private int _maxOverlap;

    public Task Start(int dueMs, int periodMs, int workMs, bool interleave, bool keepAlive)
    {
        _timer = this.RegisterGrainTimer(
            async cancellationToken =>
            {
                _fired++;
                _maxOverlap = Math.Max(_maxOverlap, ++_running);
                await Task.Delay(workMs, cancellationToken);
                _running--;
            },
            new GrainTimerCreationOptions
            {
                DueTime = TimeSpan.FromMilliseconds(dueMs),
                Period = periodMs < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(periodMs),
                Interleave = interleave,
                KeepAlive = keepAlive,
            });
        return Task.CompletedTask;
    }

    public Task<TimerResult> Result() => Task.FromResult(new TimerResult(_fired, _maxOverlap));

    public Task StartBlocking(string gate)
    {
        _timer = this.RegisterGrainTimer(() => Gate.Of(gate).Pass(), TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        return Task.CompletedTask;
    }

    public Task<int> Fired() => Task.FromResult(_fired);

    public Task Stop()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    public Task BlockHere(string gate) => Gate.Of(gate).Pass();
}
