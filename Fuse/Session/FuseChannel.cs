using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// One descriptor of /dev/fuse. Requests read here must be answered here. Any thread may write; the handle counts its
/// users, so a late reply meets a closed channel as an error and never a descriptor that means something else by now.
/// </summary>
internal sealed unsafe partial class FuseChannel(SafeFileHandle device, bool owned, ILogger logger)
    : IFuseReplySink, IDisposable
{
    public SafeFileHandle Device { get; } = device;

    /// <summary>Reads one request; negative with its error. EINTR is passed on: a stop wakes the thread so.</summary>
    public nint Receive(byte* buffer, int capacityBytes, out Errno error) =>
        DescriptorIo.Read(Device, buffer, capacityBytes, out error);

    /// <summary>Writes a message whose header and data lie together.</summary>
    public bool Send(byte* message, int lengthBytes)
    {
        DescriptorIo.Write(Device, message, lengthBytes, out var error);
        return error == Errno.None || Refused(error, ((FuseOutHeader*)message)->Unique);
    }

    /// <summary>Writes a header and data from elsewhere as one message.</summary>
    public bool Send(FuseOutHeader* header, byte* data, int lengthBytes)
    {
        var pieces = stackalloc IoVector[2];
        pieces[0] = IoVector.Of(header, sizeof(FuseOutHeader));
        pieces[1] = IoVector.Of(data, lengthBytes);
        DescriptorIo.Write(Device, new ReadOnlySpan<IoVector>(pieces, 2), out var error);
        return error == Errno.None || Refused(error, header->Unique);
    }

    /// <inheritdoc/>
    public bool Send(in FuseOutHeader header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var copy = header;
        fixed (byte* firstData = first)
        fixed (byte* secondData = second)
        {
            var pieces = stackalloc IoVector[3];
            pieces[0] = IoVector.Of(&copy, sizeof(FuseOutHeader));
            pieces[1] = IoVector.Of(firstData, first.Length);
            pieces[2] = IoVector.Of(secondData, second.Length);
            var count = second.Length > 0 ? 3 : first.Length > 0 ? 2 : 1;
            try
            {
                DescriptorIo.Write(Device, new ReadOnlySpan<IoVector>(pieces, count), out var error);
                return error == Errno.None || Refused(error, header.Unique);
            }
            catch (ObjectDisposedException)
            {
                return false; // The session has ended: the kernel has already failed the request.
            }
        }
    }

    /// <summary>Asks the kernel to repeat an INTERRUPT; false when its request is not owed here.</summary>
    public bool AskInterruptAgain(ulong interruptUnique)
    {
        var header = new FuseOutHeader
        {
            LengthBytes = (uint)sizeof(FuseOutHeader),
            Error = -(int)Errno.Again,
            Unique = interruptUnique,
        };
        DescriptorIo.Write(Device, &header, sizeof(FuseOutHeader), out var error);
        return error == Errno.None;
    }

    public void Dispose()
    {
        if (owned)
        {
            Device.Dispose();
        }
    }

    private bool Refused(Errno error, ulong unique)
    {
        // ENOENT: the request is gone (interrupted or aborted). The others: the connection is gone.
        if (error is Errno.NoEntry or Errno.NoDevice or Errno.NotPermitted or Errno.ConnectionAborted)
        {
            return false;
        }

        LogRefused(unique, error);
        FailRequest(unique);
        return false;
    }

    private void FailRequest(ulong unique)
    {
        var header = new FuseOutHeader
        {
            LengthBytes = (uint)sizeof(FuseOutHeader),
            Error = -(int)Errno.InputOutput,
            Unique = unique,
        };
        DescriptorIo.Write(Device, &header, sizeof(FuseOutHeader), out _);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The kernel refused the reply to FUSE request {Unique} ({Error}); the caller gets EIO")]
    private partial void LogRefused(ulong unique, Errno error);
}
