using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

public sealed unsafe partial class StreamSocket
{
    private const int InProgress = 115;

    /// <summary>A listening socket.</summary>
    /// <exception cref="LinuxFileException">The address cannot be had; <see cref="LinuxFileException.Errno"/> says why.</exception>
    public static StreamSocket Listen(EndPoint address, int backlog)
    {
        var socket = Create(address, 0);
        try
        {
            socket.SetOption(SocketCalls.LevelSocket, SocketCalls.OptionReuseAddress, 1);
            var name = Encode(address);
            fixed (byte* pointer = name.Buffer.Span)
            {
                Check(SocketCalls.Bind(socket._handle, pointer, (uint)name.Size), $"bind {address}");
            }

            Check(SocketCalls.Listen(socket._handle, backlog), $"listen {address}");
            return socket;
        }
        catch (LinuxFileException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a connection.</summary>
    /// <returns>The connection and its peer's IP address (null over a Unix socket), or null with <see cref="LastErrno"/>.</returns>
    public (StreamSocket Socket, IPAddress? Peer)? Accept()
    {
        var address = stackalloc byte[AddressRoom];
        int descriptor;
        do
        {
            uint length = AddressRoom;
            descriptor = SocketCalls.Accept(_handle, address, &length, SocketCalls.CloseOnExec);
        }
        while (descriptor < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        return descriptor < 0 ? null : (new StreamSocket(new SafeSocket(descriptor)), DecodeIp(address)?.Address);
    }

    /// <summary>Connects, waiting no longer than said. The socket blocks afterwards.</summary>
    /// <returns>The socket, or null and the error number.</returns>
    public static StreamSocket? Connect(EndPoint address, TimeSpan timeout, out Errno errno)
    {
        var socket = Create(address, SocketCalls.NonBlock);
        errno = socket.ConnectWithin(address, timeout);
        if (errno == Errno.None)
        {
            return socket;
        }

        socket.Dispose();
        return null;
    }

    /// <summary>The IP address and port this socket is bound to.</summary>
    public IPEndPoint LocalEndPoint
    {
        get
        {
            var address = stackalloc byte[AddressRoom];
            uint length = AddressRoom;
            Check(SocketCalls.GetName(_handle, address, &length), "getsockname");
            return DecodeIp(address) ?? throw new InvalidOperationException("a Unix socket has no IP address");
        }
    }

    /// <summary>Who is at the other end of this Unix socket.</summary>
    public PeerCredentials GetPeerCredentials()
    {
        PeerCredentials credentials;
        var length = (uint)sizeof(PeerCredentials);
        Check(
            SocketCalls.GetOption(_handle, SocketCalls.LevelSocket, SocketCalls.OptionPeerCredentials, &credentials, &length),
            "getsockopt SO_PEERCRED");
        return credentials;
    }

    /// <summary>What a TCP connection of ours wants: no delay for small frames, and a dead host noticed within a minute.</summary>
    public void TuneTcp()
    {
        SetOption(SocketCalls.LevelTcp, SocketCalls.TcpNoDelay, 1);
        SetOption(SocketCalls.LevelSocket, SocketCalls.OptionKeepAlive, 1);
        SetOption(SocketCalls.LevelTcp, SocketCalls.TcpKeepIdle, 20);
        SetOption(SocketCalls.LevelTcp, SocketCalls.TcpKeepInterval, 10);
        SetOption(SocketCalls.LevelTcp, SocketCalls.TcpKeepCount, 3);
    }

    /// <summary>
    /// What the sending end of a Unix connection wants: room for a MiB. With the kernel's 208 KiB sender and receiver take turns at each
    /// quarter of it. Without CAP_NET_ADMIN the kernel gives as much as net.core.wmem_max allows.
    /// </summary>
    public void TuneUnix()
    {
        const int Room = 1 << 20;
        var room = Room;
        if (SocketCalls.SetOption(_handle, SocketCalls.LevelSocket, SocketCalls.OptionSendBufferForce, &room, sizeof(int)) < 0)
        {
            SetOption(SocketCalls.LevelSocket, SocketCalls.OptionSendBuffer, Room);
        }
    }

    /// <summary>Longest time one send waits for room; then it fails with <see cref="Errno.Again"/>.</summary>
    public void SetSendTimeout(TimeSpan timeout) => SetTimeout(SocketCalls.OptionSendTimeout, timeout, "setsockopt SO_SNDTIMEO");

    /// <summary>Longest time one receive waits for a byte; then it fails with <see cref="Errno.Again"/>.</summary>
    public void SetReceiveTimeout(TimeSpan timeout) =>
        SetTimeout(SocketCalls.OptionReceiveTimeout, timeout, "setsockopt SO_RCVTIMEO");

    private void SetTimeout(int option, TimeSpan timeout, string tried)
    {
        // struct timeval: seconds and microseconds.
        var value = stackalloc long[2];
        value[0] = (long)timeout.TotalSeconds;
        value[1] = timeout.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond;
        Check(SocketCalls.SetOption(_handle, SocketCalls.LevelSocket, option, value, 2 * sizeof(long)), tried);
    }

    private static StreamSocket Create(EndPoint address, int flags)
    {
        var family = BitConverter.ToUInt16(address.Serialize().Buffer.Span[..2]);
        var descriptor = SocketCalls.Socket(family, SocketCalls.Stream | SocketCalls.CloseOnExec | flags, 0);
        Check(descriptor, "socket");
        return new StreamSocket(new SafeSocket(descriptor));
    }

    private Errno ConnectWithin(EndPoint address, TimeSpan timeout)
    {
        var name = Encode(address);
        fixed (byte* pointer = name.Buffer.Span)
        {
            if (SocketCalls.Connect(_handle, pointer, (uint)name.Size) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno is not (InProgress or Interrupted))
                {
                    return (Errno)errno;
                }

                errno = WaitConnected(timeout);
                if (errno != 0)
                {
                    return (Errno)errno;
                }
            }
        }

        var fileFlags = SocketCalls.Control(_handle, SocketCalls.GetFlags, 0);
        Check(SocketCalls.Control(_handle, SocketCalls.SetFlags, fileFlags & ~SocketCalls.NonBlock), "fcntl F_SETFL");
        return Errno.None;
    }

    private int WaitConnected(TimeSpan timeout)
    {
        // Only the connecting thread knows this descriptor yet, so the bare number is safe.
        var entry = new SocketCalls.PollEntry { Descriptor = (int)_handle.DangerousGetHandle(), Events = SocketCalls.PollOut };
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        int ready;
        do
        {
            var left = timeout - clock.GetElapsedTime(start);
            ready = left <= TimeSpan.Zero ? 0 : SocketCalls.Poll(&entry, 1, (int)Math.Ceiling(left.TotalMilliseconds));
        }
        while (ready < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        if (ready <= 0)
        {
            return ready == 0 ? (int)Errno.TimedOut : Marshal.GetLastPInvokeError();
        }

        int error;
        var length = (uint)sizeof(int);
        Check(SocketCalls.GetOption(_handle, SocketCalls.LevelSocket, SocketCalls.OptionError, &error, &length), "getsockopt SO_ERROR");
        return error;
    }

    private void SetOption(int level, int option, int value) =>
        Check(SocketCalls.SetOption(_handle, level, option, &value, sizeof(int)), $"setsockopt {level}/{option}");

    // .NET keeps socket addresses in the kernel's own form.
    private static SocketAddress Encode(EndPoint address) => address.Serialize();

    private static IPEndPoint? DecodeIp(byte* address)
    {
        const int V4 = 2, V6 = 10, V4Bytes = 16, V6Bytes = 28;
        var family = *(ushort*)address;
        if (family is not (V4 or V6))
        {
            return null;
        }

        var native = new SocketAddress(
            family == V4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, family == V4 ? V4Bytes : V6Bytes);
        new ReadOnlySpan<byte>(address, native.Size).CopyTo(native.Buffer.Span);
        return (IPEndPoint)new IPEndPoint(family == V4 ? IPAddress.Any : IPAddress.IPv6Any, 0).Create(native);
    }

    private static void Check(int result, string tried)
    {
        if (result < 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), tried);
        }
    }
}
