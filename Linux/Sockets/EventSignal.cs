using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>
/// An eventfd: wakes a thread that waits in <see cref="StreamSocket.WaitReadable"/>. Raising it twice before it is taken is
/// once. Raise after dispose does nothing.
/// </summary>
public sealed unsafe class EventSignal : IDisposable
{
    private const int Interrupted = 4;

    /// <summary>Makes one that is not raised.</summary>
    public EventSignal()
    {
        var descriptor = SocketCalls.EventFd(0, SocketCalls.CloseOnExec | SocketCalls.NonBlock);
        if (descriptor < 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), "eventfd");
        }

        Handle = new SafeSocket(descriptor);
    }

    internal SafeSocket Handle { get; }

    /// <summary>Wakes the waiting thread, now or when it comes to wait.</summary>
    public void Raise()
    {
        ulong one = 1;
        try
        {
            while (SocketCalls.Write(Handle, (byte*)&one, sizeof(ulong)) < 0
                && Marshal.GetLastPInvokeError() == Interrupted)
            {
            }
        }
        catch (ObjectDisposedException)
        {
            // The waiter is gone: nobody is left to wake.
        }
    }

    /// <summary>Takes the signal back.</summary>
    public void Reset()
    {
        ulong value;
        while (SocketCalls.Read(Handle, (byte*)&value, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() == Interrupted)
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
