using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

public sealed unsafe partial class StreamSocket
{
    /// <summary>Receives what is there without waiting: -1 with <see cref="Errno.Again"/> when there is nothing.</summary>
    public int TryReceive(Span<byte> buffer) => Receive(buffer, SocketCalls.MessageDontWait);

    /// <summary>Looks at what comes next without taking it, waiting for at least one byte.</summary>
    public int Peek(Span<byte> buffer) => Receive(buffer, SocketCalls.MessagePeek);

    /// <summary>Whether a small send would not have to wait.</summary>
    public bool HasRoom() => IsReady(SocketCalls.PollOut);

    /// <summary>Whether a receive would not have to wait: there is a byte, or the end.</summary>
    public bool HasInput() => IsReady(SocketCalls.PollIn);

    private bool IsReady(short events)
    {
        var added = false;
        try
        {
            _handle.DangerousAddRef(ref added);
            var entry = new SocketCalls.PollEntry { Descriptor = (int)_handle.DangerousGetHandle(), Events = events };
            int ready;
            do
            {
                ready = SocketCalls.Poll(&entry, 1, 0);
            }
            while (ready < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            return ready > 0;
        }
        finally
        {
            if (added)
            {
                _handle.DangerousRelease();
            }
        }
    }
}
