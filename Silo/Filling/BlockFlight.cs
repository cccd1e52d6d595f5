using OrleansCache.Blocks;
using OrleansCache.BlockStore;
using OrleansCache.Files;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// One block on its way into the store, with everybody who waits for it. It begins queued, starts when a place is free, and
/// ends once: resident, or with the one status that all waiters get. Thread-safe; the board owns <see cref="State"/>.
/// </summary>
internal sealed class BlockFlight(ReadCapability capability, int blockIndex, bool isPrefetch)
{
    private readonly TaskCompletionSource _underWay = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IFillProgress? _progress;
    private int _outcome = NoOutcome;
    private const int NoOutcome = -1;

    public ReadCapability Capability { get; } = capability;

    public int BlockIndex { get; } = blockIndex;

    public BlockId Block => new(Capability.Key, BlockIndex);

    /// <summary>Guarded by the board's lock.</summary>
    public FlightState State { get; set; } = isPrefetch ? FlightState.QueuedPrefetch : FlightState.QueuedDemand;

    /// <summary>Which kind of place it takes. Set by the board when it starts.</summary>
    public bool RunsAsPrefetch { get; set; }

    /// <summary>Set when bytes can be waited for.</summary>
    public IFillProgress? Progress => _progress;

    /// <summary>The block was there already: verified, or filled a moment ago. Valid after <see cref="WaitUnderWayAsync"/>.</summary>
    public bool WasResident { get; private set; }

    /// <summary>Bytes arrive from now on.</summary>
    public void Begin(IFillProgress progress)
    {
        _progress = progress;
        _underWay.TrySetResult();
    }

    /// <summary>
    /// Decides what the waiters get. Call it before the store's fill is aborted, so that whoever wakes from that finds it.
    /// Only the first call counts.
    /// </summary>
    public void Decide(ReadStatus status) => Interlocked.CompareExchange(ref _outcome, (int)status, NoOutcome);

    /// <summary>The block is there without a fill.</summary>
    public void DecideResident()
    {
        WasResident = true;
        Decide(ReadStatus.Ok);
    }

    /// <summary>Nothing more will happen.</summary>
    public void End(ReadStatus status)
    {
        Decide(status);
        _underWay.TrySetResult();
    }

    /// <summary>Waits until there is a progress to follow, or an end.</summary>
    public Task WaitUnderWayAsync(CancellationToken cancellationToken) => _underWay.Task.WaitAsync(cancellationToken);

    /// <summary>What waiters get: the decision, or what follows from the store's failure.</summary>
    public ReadStatus OutcomeOf(FillFailure failure) => Volatile.Read(ref _outcome) switch
    {
        NoOutcome when failure == FillFailure.None => ReadStatus.Ok,
        NoOutcome when failure == FillFailure.VersionChanged => ReadStatus.StaleVersion,
        NoOutcome => ReadStatus.Unavailable,
        var decided => (ReadStatus)decided,
    };
}

/// <summary>Where a flight is.</summary>
internal enum FlightState : byte
{
    QueuedPrefetch,
    QueuedDemand,
    Running,
    Completing,
    Ended,
}
