using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>
/// A TCP or Unix stream socket for dedicated blocking threads: no thread pool, no epoll, no allocation per call, and the
/// calls .NET's Socket lacks (sendfile, descriptors, peer credentials). Sends and receives answer -1 with
/// <see cref="LastErrno"/> instead of throwing; interrupted calls are repeated. One thread may receive while another sends;
/// <see cref="Shutdown()"/> wakes both.
/// </summary>
public sealed unsafe partial class StreamSocket : IDisposable
{
    private const int Interrupted = 4;

    // sockaddr_storage: room for every family.
    private const int AddressRoom = 128;

    private readonly SafeSocket _handle;

    private StreamSocket(SafeSocket handle) => _handle = handle;

    internal SafeSocket Handle => _handle;

    /// <summary>The error of this thread's last failed call.</summary>
    public static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>Receives what is there, waiting for at least one byte. 0 = the peer has ended, -1 = failed.</summary>
    public int Receive(Span<byte> buffer) => Receive(buffer, 0);

    /// <summary>Receives until the buffer is full. Fewer bytes or -1 when the connection ended before.</summary>
    public int ReceiveFully(Span<byte> buffer)
    {
        var at = 0;
        while (at < buffer.Length)
        {
            var received = Receive(buffer[at..], SocketCalls.MessageWaitAll);
            if (received <= 0)
            {
                return at == 0 ? received : at;
            }

            at += received;
        }

        return at;
    }

    /// <summary>Sends everything, waiting for room.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="moreFollows">Whether the kernel may wait for more before it makes a segment (MSG_MORE).</param>
    public bool SendAll(ReadOnlySpan<byte> buffer, bool moreFollows = false)
    {
        var flags = SocketCalls.MessageNoSignal | (moreFollows ? SocketCalls.MessageMore : 0);
        while (buffer.Length > 0)
        {
            var sent = Send(buffer, flags);
            if (sent < 0)
            {
                return false;
            }

            buffer = buffer[sent..];
        }

        return true;
    }

    /// <summary>Sends what there is room for without waiting: -1 with <see cref="Errno.Again"/> when there is none.</summary>
    public int TrySend(ReadOnlySpan<byte> buffer) => Send(buffer, SocketCalls.MessageNoSignal | SocketCalls.MessageDontWait);

    /// <summary>Sends from a file without copying through this process. Fewer bytes than asked: see the answer.</summary>
    /// <returns>Bytes sent; 0 = the file ends here; -1 = failed.</returns>
    public int SendFile(SafeFileHandle file, long fileOffsetBytes, int lengthBytes)
    {
        nint sent;
        do
        {
            var offset = fileOffsetBytes;
            sent = SocketCalls.SendFile(_handle, file, &offset, (nuint)lengthBytes);
        }
        while (sent < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        return (int)sent;
    }

    /// <summary>Waits until there is something to receive here or the signal is raised.</summary>
    /// <returns>Which of the two it was; both are possible.</returns>
    public (bool Socket, bool Signal) WaitReadable(EventSignal signal, bool includeSocket)
    {
        var addedSocket = false;
        var addedSignal = false;
        try
        {
            _handle.DangerousAddRef(ref addedSocket);
            signal.Handle.DangerousAddRef(ref addedSignal);
            var entries = stackalloc SocketCalls.PollEntry[2];
            entries[0] = new SocketCalls.PollEntry { Descriptor = (int)signal.Handle.DangerousGetHandle(), Events = SocketCalls.PollIn };
            entries[1] = new SocketCalls.PollEntry { Descriptor = (int)_handle.DangerousGetHandle(), Events = SocketCalls.PollIn };
            while (SocketCalls.Poll(entries, includeSocket ? 2u : 1u, -1) < 0 && Marshal.GetLastPInvokeError() == Interrupted)
            {
            }

            return (entries[1].Returned != 0, entries[0].Returned != 0);
        }
        finally
        {
            if (addedSignal)
            {
                signal.Handle.DangerousRelease();
            }

            if (addedSocket)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>Ends both directions and wakes every thread that waits on this socket. Never throws, also after dispose.</summary>
    public void Shutdown() => Shutdown(SocketCalls.ShutdownBoth);

    /// <summary>Ends receiving: the receiving thread sees the end, what is being sent goes on.</summary>
    public void ShutdownReceive() => Shutdown(SocketCalls.ShutdownReceive);

    /// <summary>Ends sending: the peer sees the end, what it still says can be received.</summary>
    public void ShutdownSend() => Shutdown(SocketCalls.ShutdownSend);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void Shutdown(int how)
    {
        try
        {
            // Fails only when the peer or we have done it already, and then there is nothing to end.
            _ = SocketCalls.Shutdown(_handle, how);
        }
        catch (ObjectDisposedException)
        {
            // Closed already: as ended as it gets.
        }
    }

    private int Receive(Span<byte> buffer, int flags)
    {
        fixed (byte* pointer = buffer)
        {
            nint received;
            do
            {
                received = SocketCalls.Receive(_handle, pointer, (nuint)buffer.Length, flags);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            return (int)received;
        }
    }

    private int Send(ReadOnlySpan<byte> buffer, int flags)
    {
        fixed (byte* pointer = buffer)
        {
            nint sent;
            do
            {
                sent = SocketCalls.Send(_handle, pointer, (nuint)buffer.Length, flags);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            return (int)sent;
        }
    }
}
