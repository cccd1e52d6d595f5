using System.Threading.Tasks.Sources;

namespace OrleansCache.DataPlane.Connections;

/// <summary>A caller that waits on its own thread: whoever completes the request wakes it, without the pool in between.</summary>
internal sealed partial class PendingRequest
{
    private ManualResetEventSlim? _done;

    /// <summary>Waits for the end if the caller is a synchronous one; its ValueTask has a result then.</summary>
    public void WaitIfSynchronous(ulong id, TimeSpan limit)
    {
        if (_done is not { } done)
        {
            return;
        }

        var isInterrupted = false;
        while (!done.IsSet)
        {
            try
            {
                if (!done.Wait(SynchronousCaller.Patience(limit)))
                {
                    SynchronousCaller.EndIfLate();
                    Abandon(id, CancellationToken.None); // Nothing is left of it when the read's token has just done that.
                    if (!done.Wait(connection.CancelGrace))
                    {
                        // A piece is arriving and does not end. The watchdog would close the connection, too, if the pool has a thread for it.
                        connection.Break();
                        done.Wait();
                    }
                }
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
                Abandon(id, CancellationToken.None);
            }
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    /// <summary>Under the lock, before anybody can complete the request.</summary>
    private void PrepareWait()
    {
        _done = SynchronousCaller.IsHere ? new ManualResetEventSlim() : null;
        _core.RunContinuationsAsynchronously = _done is null;
        if (_done is not null)
        {
            _core.OnCompleted(
                static done => ((ManualResetEventSlim)done!).Set(), _done, _core.Version, ValueTaskSourceOnCompletedFlags.None);
        }
    }
}
