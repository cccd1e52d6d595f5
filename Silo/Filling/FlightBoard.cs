using System.Diagnostics;
using OrleansCache.Blocks;
using OrleansCache.Files;

namespace OrleansCache.Silo.Filling;

/// <summary>
/// All flights: single flight per block, demand before prefetch, files in turn, a bounded number running. Only misses come here, so one
/// lock is enough. Flights are started outside the lock, on the thread pool.
/// </summary>
internal sealed class FlightBoard(FillOptions options, Action<BlockFlight> start)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<BlockId, BlockFlight> _flights = [];
    private readonly FlightQueue _demands = new();
    private readonly FlightQueue _prefetches = new();
    private int _running;
    private int _runningPrefetches;
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _closed;

    /// <summary>Flights in any state.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _flights.Count;
            }
        }
    }

    /// <summary>Prefetches that wait.</summary>
    public int QueuedPrefetches
    {
        get
        {
            lock (_gate)
            {
                return _prefetches.Count;
            }
        }
    }

    /// <summary>The flight of a block that somebody waits for: the one there is, or a new one. Null when there are too many.</summary>
    public BlockFlight? Demand(ReadCapability capability, int blockIndex)
    {
        BlockFlight? flight;
        lock (_gate)
        {
            var block = new BlockId(capability.Key, blockIndex);
            if (_flights.TryGetValue(block, out flight))
            {
                if (flight.State == FlightState.QueuedPrefetch)
                {
                    // Its entry in the other queue is skipped when its turn comes.
                    flight.State = FlightState.QueuedDemand;
                    _demands.Enqueue(flight);
                }
            }
            else if (_closed || _flights.Count >= options.FlightsMax)
            {
                return null;
            }
            else
            {
                flight = new BlockFlight(capability, blockIndex, isPrefetch: false);
                _flights.Add(block, flight);
                _demands.Enqueue(flight);
            }
        }

        Pump();
        return flight;
    }

    /// <summary>Queues a block that nobody waits for yet. False when the queue is full; true also when it is on its way.</summary>
    public bool Prefetch(ReadCapability capability, int blockIndex)
    {
        lock (_gate)
        {
            var block = new BlockId(capability.Key, blockIndex);
            if (_flights.ContainsKey(block))
            {
                return true;
            }

            if (_closed || _flights.Count >= options.FlightsMax || _prefetches.Count >= options.QueuedPrefetchesMax)
            {
                return false;
            }

            var flight = new BlockFlight(capability, blockIndex, isPrefetch: true);
            _flights.Add(block, flight);
            _prefetches.Enqueue(flight);
        }

        Pump();
        return true;
    }

    /// <summary>The flight of a block, or null.</summary>
    public BlockFlight? Find(BlockId block)
    {
        lock (_gate)
        {
            return _flights.GetValueOrDefault(block);
        }
    }

    /// <summary>The flight needs no place any more: its bytes are there and only the journal is waited for.</summary>
    public void BeginCompleting(BlockFlight flight)
    {
        lock (_gate)
        {
            Debug.Assert(flight.State == FlightState.Running, "only a running flight completes");
            flight.State = FlightState.Completing;
            GiveBackPlace(flight);
        }

        Pump();
    }

    /// <summary>The flight is over; the next one who asks for its block begins anew.</summary>
    public void Remove(BlockFlight flight)
    {
        lock (_gate)
        {
            if (flight.State == FlightState.Running)
            {
                GiveBackPlace(flight);
            }

            flight.State = FlightState.Ended;
            _flights.Remove(flight.Block);
        }

        NoteEmpty();
        Pump();
    }

    /// <summary>Takes nothing new and ends what waits. Running flights end by themselves; completes with the last of them.</summary>
    public Task CloseAsync()
    {
        List<BlockFlight> waiting;
        lock (_gate)
        {
            _closed = true;
            waiting = [.. _flights.Values.Where(flight =>
                flight.State is FlightState.QueuedDemand or FlightState.QueuedPrefetch)];
            foreach (var flight in waiting)
            {
                flight.State = FlightState.Ended;
                _flights.Remove(flight.Block);
            }

            _demands.Clear();
            _prefetches.Clear();
        }

        waiting.ForEach(flight => flight.End(ReadStatus.Unavailable));
        NoteEmpty();
        return _empty.Task;
    }

    private void NoteEmpty()
    {
        lock (_gate)
        {
            if (!_closed || _flights.Count > 0)
            {
                return;
            }
        }

        _empty.TrySetResult();
    }

    private void GiveBackPlace(BlockFlight flight)
    {
        _running--;
        _runningPrefetches -= flight.RunsAsPrefetch ? 1 : 0;
        Debug.Assert(_running >= 0 && _runningPrefetches >= 0, "a place was given back twice");
    }

    private void Pump()
    {
        while (true)
        {
            BlockFlight flight;
            lock (_gate)
            {
                if (!TryNext(out flight!))
                {
                    return;
                }
            }

            start(flight);
        }
    }

    private bool TryNext(out BlockFlight? flight)
    {
        flight = null;
        if (_running >= options.ConcurrentFills)
        {
            return false;
        }

        if (_demands.TryDequeue(out flight))
        {
            flight!.State = FlightState.Running;
            _running++;
            return true;
        }

        while (_runningPrefetches < options.ConcurrentPrefetches && _prefetches.TryDequeue(out flight))
        {
            if (flight!.State == FlightState.QueuedPrefetch)
            {
                flight.State = FlightState.Running;
                flight.RunsAsPrefetch = true;
                _running++;
                _runningPrefetches++;
                return true;
            }
        }

        return false;
    }
}
