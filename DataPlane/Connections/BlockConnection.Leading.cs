using System.Diagnostics;
using OrleansCache.DataPlane.Frames;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// Leading: where reads of a few KiB come one at a time, who asks receives the answer itself, instead of having the receiving thread woken
/// for it and a thread of the pool by that one. It waits some milliseconds at most; what has not come by then, or is not whole, is
/// left to the receiving thread. One of them at a time reads the socket (Schmidt and others, "Leader/Followers", 2000).
/// </summary>
public sealed partial class BlockConnection
{
    private const int Nobody = 0, ReceivingThread = 1, Leader = 2;

    // What the receive buffer holds wholly: a leader never waits for the rest of a frame.
    private const int LargestLedBytes = InputBytes - FrameHeader.Bytes;

    // So many reads in a row, each the only request under way, and the next is led. Whoever has several under way wants them to travel
    // together; now and then one is not led, to see whether that has become so, and to let others have the caller's thread.
    private const int AloneBeforeLed = 8;
    private static readonly long LedInARowTicks = Stopwatch.Frequency / 20; // 50 ms

    // So many looks in vain, then so many reads alone before the next: the server is far, or its bytes are not there.
    private const int MostVainLooks = 4, AloneAfterVain = 256;

    // A timer that the kernel need not be exact about; ppoll's exact ones cost half the speed here.
    private static readonly TimeSpan LongestLook = TimeSpan.FromMilliseconds(5);

    private const int MostVainSpins = 4, LooksAfterVain = 64;
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000; // 50 µs

    private static readonly TimeSpan ParkTime = TimeSpan.FromMilliseconds(50);

    // Of all connections: threads of the pool that wait here do nothing else.
    private static readonly int MostLeaders = 4 * Environment.ProcessorCount;
    private static int _leaders;

    private readonly ManualResetEventSlim _wake = new(initialState: false, spinCount: 0);
    private readonly bool _mayLead;
    private int _receiver = ReceivingThread;
    private int _unanswered;
    private int _alone;
    private long _unledAt;
    private int _vainLooks;
    private int _vainSpins;

    private bool IsLed => Volatile.Read(ref _alone) >= AloneBeforeLed;

    /// <summary>Before a request is sent. What several threads write here at once only decides who receives.</summary>
    private void CountRequest(bool isSmall)
    {
        var isAlone = Interlocked.Increment(ref _unanswered) == 1 && isSmall;
        _alone = isAlone ? Math.Min(_alone + 1, AloneBeforeLed) : Math.Min(_alone, 0);
    }

    /// <summary>After a request was sent: somebody receives its answer, this thread or the receiving one.</summary>
    private void SeeToAnswer(PendingRequest request)
    {
        if (!IsLed || !IsStillLed() || !TryLead(request))
        {
            WakeReceiver();
        }
    }

    private bool IsStillLed()
    {
        var now = Stopwatch.GetTimestamp();
        if (now - _unledAt < LedInARowTicks)
        {
            return true;
        }

        _unledAt = now;
        return false;
    }

    /// <summary>Looks for the answer to the only request under way. True when no answer is left to come.</summary>
    private bool TryLead(PendingRequest request)
    {
        if (Interlocked.CompareExchange(ref _receiver, Leader, Nobody) != Nobody)
        {
            return false;
        }

        var leaders = Interlocked.Increment(ref _leaders);
        if (leaders <= MostLeaders)
        {
            Spin(isOnly: leaders == 1);
            _vainLooks = Look(request) ? 0 : _vainLooks + 1;
            if (_vainLooks == MostVainLooks)
            {
                (_vainLooks, _alone) = (0, -AloneAfterVain);
            }
        }

        Interlocked.Decrement(ref _leaders);
        Volatile.Write(ref _receiver, Nobody);
        Interlocked.MemoryBarrier(); // Who sends now sees that nobody receives, or we see what it has sent.
        return Volatile.Read(ref _unanswered) == 0 && !_closed;
    }

    /// <summary>The only one who waits stays awake for a moment: a core takes longer to wake than the answer to come.</summary>
    private void Spin(bool isOnly)
    {
        if (!isOnly || (_vainSpins >= MostVainSpins && ++_vainSpins < MostVainSpins + LooksAfterVain))
        {
            return;
        }

        var began = Stopwatch.GetTimestamp();
        while (!_socket.HasInput())
        {
            if (Stopwatch.GetTimestamp() - began > SpinTicks)
            {
                _vainSpins = Math.Min(_vainSpins, MostVainSpins - 1) + 1;
                return;
            }
        }

        _vainSpins = 0;
    }

    private bool Look(PendingRequest request)
    {
        while (!request.IsOver)
        {
            if (_inputStart == _inputEnd)
            {
                (_inputStart, _inputEnd) = (0, 0);
            }

            if (_inputEnd == _input.Length || !TryReceiveMore())
            {
                return false; // The thread sees the same, and does what is to be done.
            }

            if (!TakeWholeFrames())
            {
                Break();
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes the frames that are here to their last byte; false when the peer breaks the rules.</summary>
    private bool TakeWholeFrames()
    {
        while (_inputEnd - _inputStart >= FrameHeader.Bytes)
        {
            if (FrameHeader.Read(_input.AsSpan(_inputStart), out var header) != FrameError.None)
            {
                return false;
            }

            if (_inputEnd - _inputStart < FrameHeader.Bytes + header.PayloadBytes)
            {
                return true;
            }

            if (!TryReceiveFrame())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The receiving thread steps back while nothing is under way and reads are led, until it is needed. After a while it receives again
    /// all the same: to see the connection end.
    /// </summary>
    private void Park()
    {
        if (!IsLed || !_mayLead || Volatile.Read(ref _unanswered) > 0 || _inputStart != _inputEnd)
        {
            return;
        }

        _socket.SetReceiveTimeout(LongestLook);
        Volatile.Write(ref _receiver, Nobody);
        while (true)
        {
            _wake.Reset();
            Interlocked.MemoryBarrier();
            if ((_closed || Volatile.Read(ref _unanswered) > 0) && TryReceiveAgain())
            {
                return;
            }

            if (!_wake.Wait(ParkTime) && TryReceiveAgain())
            {
                return;
            }
        }
    }

    private bool TryReceiveAgain()
    {
        if (Interlocked.CompareExchange(ref _receiver, ReceivingThread, Nobody) != Nobody)
        {
            return false;
        }

        _socket.SetReceiveTimeout(TimeSpan.Zero);
        return true;
    }

    private void WakeReceiver()
    {
        if (Volatile.Read(ref _receiver) != ReceivingThread)
        {
            _wake.Set();
        }
    }
}
