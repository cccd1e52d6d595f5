using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>Descriptors through a Unix socket (SCM_RIGHTS).</summary>
public sealed unsafe partial class StreamSocket
{
    // CMSG_SPACE of one int, and what CMSG_LEN says of it.
    private const int ControlBytes = 24, ControlLength = 20, DescriptorAt = 16;

    // Room to receive up to four; more are closed by the kernel (MSG_CTRUNC).
    private const int ReceiveControlBytes = 32;

    /// <summary>Sends bytes with a descriptor attached to the first of them.</summary>
    /// <returns>Whether all bytes and the descriptor are on their way. The caller keeps its own copy of the descriptor.</returns>
    public bool SendWithDescriptor(ReadOnlySpan<byte> buffer, SafeFileHandle descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfZero(buffer.Length);
        var added = false;
        nint sent;
        try
        {
            descriptor.DangerousAddRef(ref added);
            fixed (byte* pointer = buffer)
            {
                var control = stackalloc byte[ControlBytes];
                *(SocketCalls.ControlHeader*)control = new SocketCalls.ControlHeader
                {
                    Length = ControlLength,
                    Level = SocketCalls.LevelSocket,
                    Type = SocketCalls.ControlRights,
                };
                *(int*)(control + DescriptorAt) = (int)descriptor.DangerousGetHandle();
                var vector = new SocketCalls.IoVector { Base = pointer, Length = (nuint)buffer.Length };
                var message = new SocketCalls.MessageHeader
                {
                    Vectors = &vector,
                    VectorCount = 1,
                    Control = control,
                    ControlLength = ControlBytes,
                };
                do
                {
                    sent = SocketCalls.SendMessage(_handle, &message, SocketCalls.MessageNoSignal);
                }
                while (sent < 0 && Marshal.GetLastPInvokeError() == Interrupted);
            }
        }
        finally
        {
            if (added)
            {
                descriptor.DangerousRelease();
            }
        }

        return sent > 0 && SendAll(buffer[(int)sent..]);
    }

    /// <summary>Receives what is there, waiting for at least one byte, and the descriptors that came with it.</summary>
    /// <param name="buffer">Filled from its start.</param>
    /// <param name="descriptors">Descriptors are added in the order they came; they are close-on-exec and the caller's.</param>
    /// <returns>Bytes; 0 = the peer has ended; -1 = failed.</returns>
    public int ReceiveWithDescriptors(Span<byte> buffer, Queue<SafeFileHandle> descriptors)
    {
        fixed (byte* pointer = buffer)
        {
            var control = stackalloc byte[ReceiveControlBytes];
            var vector = new SocketCalls.IoVector { Base = pointer, Length = (nuint)buffer.Length };
            var message = new SocketCalls.MessageHeader { Vectors = &vector, VectorCount = 1, Control = control };
            nint received;
            do
            {
                message.ControlLength = ReceiveControlBytes;
                received = SocketCalls.ReceiveMessage(_handle, &message, SocketCalls.MessageCloseOnExec);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            if (received > 0 && message.ControlLength >= ControlLength)
            {
                Collect(control, descriptors);
            }

            return (int)received;
        }
    }

    private static void Collect(byte* control, Queue<SafeFileHandle> descriptors)
    {
        var header = (SocketCalls.ControlHeader*)control;
        if (header->Level != SocketCalls.LevelSocket || header->Type != SocketCalls.ControlRights)
        {
            return;
        }

        var count = Math.Min(((int)header->Length - DescriptorAt) / sizeof(int), (ReceiveControlBytes - DescriptorAt) / sizeof(int));
        for (var index = 0; index < count; index++)
        {
            descriptors.Enqueue(new SafeFileHandle(((int*)(control + DescriptorAt))[index], ownsHandle: true));
        }
    }
}
