using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>One open descriptor received over a Unix socket (SCM_RIGHTS), as fusermount3 sends it.</summary>
public static unsafe partial class DescriptorPassing
{
    private const int SocketLevel = 1;
    private const int Rights = 1;

    /// <summary>A connected pair of Unix stream sockets. Both are close-on-exec unless said otherwise.</summary>
    /// <param name="inheritSecond">The second survives exec, for a child process to use by its number.</param>
    public static (SafeFileHandle First, SafeFileHandle Second) CreatePair(bool inheritSecond)
    {
        const int Unix = 1;
        const int Stream = 1;
        const int CloseOnExec = 0x80000;
        const int SetDescriptorFlags = 2;
        var pair = stackalloc int[2];
        if (NativePair(Unix, Stream | CloseOnExec, 0, pair) != 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), "socketpair");
        }

        var handles = (new SafeFileHandle(pair[0], true), new SafeFileHandle(pair[1], true));
        if (inheritSecond && NativeDescriptorControl(pair[1], SetDescriptorFlags, 0) != 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), "fcntl(F_SETFD)");
        }

        return handles;
    }

    /// <summary>Receives one descriptor, close-on-exec; null when the peer closed or sent none.</summary>
    public static SafeFileHandle? Receive(SafeHandle socket, out Errno error)
    {
        const int CloseOnExec = 0x40000000;
        byte data = 0;
        var control = default(ControlMessage);
        var piece = IoVector.Of(&data, 1);
        var message = Message.Of(&piece, &control);
        nint received;
        do
        {
            received = NativeReceive(socket, &message, CloseOnExec);
            error = received < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        }
        while (error == Errno.Interrupted);
        return received > 0 && control is { Level: SocketLevel, Type: Rights }
            ? new SafeFileHandle(control.Descriptor, ownsHandle: true)
            : null;
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int NativePair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int NativeDescriptorControl(int descriptor, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint NativeReceive(SafeHandle socket, Message* message, int flags);

    /// <summary>struct cmsghdr with room for one descriptor.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ControlMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        public int Padding;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public nint Name;
        public uint NameLength;
        public IoVector* Pieces;
        public nuint PieceCount;
        public ControlMessage* Control;
        public nuint ControlLength;
        public int Flags;

        public static Message Of(IoVector* piece, ControlMessage* control) => new()
        {
            Pieces = piece,
            PieceCount = 1,
            Control = control,
            ControlLength = (nuint)sizeof(ControlMessage),
        };
    }
}
