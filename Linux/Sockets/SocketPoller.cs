using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>
/// Watches any number of sockets from one thread (epoll). Each is reported once when it has something to receive or has ended,
/// then not again until it is watched again; so whoever was told has it for itself. Closing a socket ends watching it.
/// </summary>
public sealed unsafe class SocketPoller : IDisposable
{
    // struct epoll_event is packed on x86-64 and nowhere else: events 4 bytes, then the token.
    private static readonly bool IsPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int EventBytes = IsPacked ? 12 : 16, TokenAt = IsPacked ? 4 : 8;

    private const int Interrupted = 4, MostEvents = 256;
    private const ulong WakeToken = ulong.MaxValue;

    private readonly SafeSocket _poller;
    private readonly EventSignal _wake = new();
    private readonly byte[] _events = new byte[MostEvents * EventBytes];

    /// <summary>Watches nothing yet.</summary>
    /// <exception cref="LinuxFileException">No descriptor is left.</exception>
    public SocketPoller()
    {
        var descriptor = SocketCalls.PollerCreate(SocketCalls.CloseOnExec);
        if (descriptor < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            _wake.Dispose();
            throw new LinuxFileException(errno, "epoll_create1");
        }

        _poller = new SafeSocket(descriptor);
        Control(SocketCalls.PollerAdd, _wake.Handle, SocketCalls.PollerIn, WakeToken);
    }

    /// <summary>Watches a socket for the first time.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="token">Names it in <see cref="Wait"/>; not the largest number.</param>
    public void Add(StreamSocket socket, ulong token) => Control(
        SocketCalls.PollerAdd, socket.Handle, SocketCalls.PollerIn | SocketCalls.PollerPeerEnded | SocketCalls.PollerOnce, token);

    /// <summary>Watches a socket again that was reported.</summary>
    public void Again(StreamSocket socket, ulong token) => Control(
        SocketCalls.PollerChange, socket.Handle, SocketCalls.PollerIn | SocketCalls.PollerPeerEnded | SocketCalls.PollerOnce, token);

    /// <summary>Waits for sockets or <see cref="Wake"/>. One thread.</summary>
    /// <param name="tokens">Filled from its start.</param>
    /// <returns>How many; 0 after a wake.</returns>
    public int Wait(Span<ulong> tokens)
    {
        int count;
        fixed (byte* events = _events)
        {
            do
            {
                count = SocketCalls.PollerWait(_poller, events, Math.Min(MostEvents, tokens.Length), -1);
            }
            while (count < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        }

        if (count < 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), "epoll_wait");
        }

        var found = 0;
        for (var index = 0; index < count; index++)
        {
            var token = BinaryPrimitives.ReadUInt64LittleEndian(_events.AsSpan((index * EventBytes) + TokenAt));
            if (token == WakeToken)
            {
                _wake.Reset();
            }
            else
            {
                tokens[found++] = token;
            }
        }

        return found;
    }

    /// <summary>Ends a wait, now or the next one.</summary>
    public void Wake() => _wake.Raise();

    /// <inheritdoc/>
    public void Dispose()
    {
        _poller.Dispose();
        _wake.Dispose();
    }

    private void Control(int operation, SafeSocket socket, uint events, ulong token)
    {
        Span<byte> what = stackalloc byte[EventBytes];
        what.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(what, events);
        BinaryPrimitives.WriteUInt64LittleEndian(what[TokenAt..], token);
        fixed (byte* pointer = what)
        {
            if (SocketCalls.PollerControl(_poller, operation, socket, pointer) < 0)
            {
                throw new LinuxFileException(Marshal.GetLastPInvokeError(), "epoll_ctl");
            }
        }
    }
}
