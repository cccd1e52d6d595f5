using System.Buffers;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>OPEN, READ, RELEASE.</summary>
internal sealed partial class OcacheFileSystem
{
    public FuseReply Open(in FuseRequest request, in FuseOpenIn arguments)
    {
        if (arguments.AccessMode != 0)
        {
            return FuseReply.Error(Errno.ReadOnlyFileSystem);
        }

        if (_nodes.Find(request.NodeId) is not { } node || _nodes.EntryOf(node) is not { } entry)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (node.Kind != FileKind.File)
        {
            return FuseReply.Error(node.Kind == FileKind.Directory ? Errno.IsDirectory : Errno.NoSuchDeviceOrAddress);
        }

        var operation = new PendingOperation();
        return Complete(in request, operation, OpenAsync(node, entry, _freshLookups.Take(request.Pid, node), operation.Cancellation));
    }

    public FuseReply Read(in FuseRequest request, in FuseReadIn arguments)
    {
        if (_files.Find(arguments.Handle) is not { } file || file.Node.Id != request.NodeId)
        {
            return FuseReply.Error(Errno.BadDescriptor);
        }

        if (arguments.Offset > long.MaxValue || arguments.SizeBytes > (uint)request.ReplyBuffer.Length)
        {
            return FuseReply.Error(Errno.Invalid);
        }

        if (!file.TryEnter())
        {
            return FuseReply.Error(Errno.BadDescriptor);
        }

        var offset = (long)arguments.Offset;
        var size = (int)arguments.SizeBytes;
        if (!file.Reader.TryRead(offset, request.ReplyBuffer[..size], out var bytes))
        {
            return ReadLater(in request, file, offset, size);
        }

        file.Exit();
        if (bytes != ExpectedBytes(file, offset, size))
        {
            Counters.FailedReads.Add(1);
            LogWrongCount(file.Node.Key, offset, size, bytes);
            return FuseReply.Error(Errno.InputOutput);
        }

        Counters.WarmReads.Add(1);
        Counters.ReadBytes.Add(bytes);
        return request.Filled(bytes);
    }

    public FuseReply Release(in FuseRequest request, in FuseReleaseIn arguments)
    {
        _files.Remove(arguments.Handle)?.Dispose();
        return FuseReply.Ok;
    }

    private async ValueTask<OpenedAnswer> OpenAsync(
        FileNode node, NodeEntry entry, NodeEntry? justSeen, CancellationToken cancellationToken)
    {
        var stamp = _kernel.Stamp;
        var seen = justSeen is not null
            ? new NodeOutcome(ReadStatus.Ok, justSeen, TimeSpan.Zero)
            : await _view.RefreshAsync(entry, cancellationToken).ConfigureAwait(false);
        if (seen.Status != ReadStatus.Ok
            || !_nodes.TryUpdate(node, seen.Node!, _clock.ExpiryOf(ValidFor(seen.ValidFor, stamp))))
        {
            return NotOpened(ErrnoOfPlace(seen.Status));
        }

        var opened = await _opener.OpenAsync(seen.Node!, cancellationToken).ConfigureAwait(false);
        if (opened.Status != ReadStatus.Ok)
        {
            return NotOpened(ErrnoOfPlace(opened.Status));
        }

        var reader = opened.Reader!;
        if (reader.LengthBytes != node.LengthBytes)
        {
            reader.Dispose(); // Another version's reader would mix its bytes with this node's pages.
            return NotOpened(Errno.Stale);
        }

        var file = new OpenFile(node, reader);
        var handle = _files.Add(file);
        if (handle == 0)
        {
            file.Dispose();
            return NotOpened(Errno.TooManyOpenFiles);
        }

        return new OpenedAnswer(Errno.None, handle, _files);
    }

    private OpenedAnswer NotOpened(Errno error)
    {
        if (error == Errno.Stale)
        {
            Counters.StaleOpens.Add(1);
        }

        return new OpenedAnswer(error, 0, _files);
    }

    /// <summary>
    /// The data are not at hand: the session thread goes on, the read waits for its turn and its bytes.
    /// </summary>
    private FuseReply ReadLater(in FuseRequest request, OpenFile file, long offset, int size)
    {
        Counters.WaitingReads.Add(1);
        var operation = new PendingOperation();
        operation.Start(request.Defer(), _time, _options.Deadline);
        _ = ReadLaterAsync(operation, file, offset, size);
        return FuseReply.Deferred;
    }

    private async Task ReadLaterAsync(PendingOperation operation, OpenFile file, long offset, int size)
    {
        _background.Enter();
        var error = Errno.InputOutput;
        try
        {
            await _admission.EnterAsync(size, operation.Cancellation).ConfigureAwait(false);
            try
            {
                error = await ReadIntoReplyAsync(operation, file, offset, size).ConfigureAwait(false);
            }
            finally
            {
                _admission.Exit(size);
            }
        }
        catch (OperationCanceledException)
        {
            error = Errno.InputOutput; // Only when neither the interrupt nor the deadline has answered.
        }
        catch (Exception exception)
        {
            LogFailed(exception, FuseOpcode.Read);
        }
        finally
        {
            if (error != Errno.None)
            {
                Counters.FailedReads.Add(1);
                operation.Fail(error);
            }

            file.Exit();
            operation.Dispose();
            _background.Exit();
        }
    }

    private async ValueTask<Errno> ReadIntoReplyAsync(PendingOperation operation, OpenFile file, long offset, int size)
    {
        // Held until the reader is done with it, also when the answer has long been given by the deadline.
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(1, size));
        try
        {
            var outcome = await file.Reader.ReadAsync(offset, buffer.AsMemory(0, size), operation.Cancellation)
                .ConfigureAwait(false);
            if (outcome.Status != ReadStatus.Ok)
            {
                return ReadStatusErrno.ToErrno(outcome.Status);
            }

            if (outcome.Bytes != ExpectedBytes(file, offset, size))
            {
                LogWrongCount(file.Node.Key, offset, size, outcome.Bytes);
                return Errno.InputOutput;
            }

            if (operation.TryAnswer(out var token) && token.ReplyData(buffer.AsSpan(0, outcome.Bytes)))
            {
                Counters.ReadBytes.Add(outcome.Bytes);
            }

            return Errno.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// To the kernel fewer bytes mean the end of the file, so any other count is an error, never an answer.
    /// </summary>
    private static int ExpectedBytes(OpenFile file, long offset, int size) =>
        (int)Math.Clamp(file.Reader.LengthBytes - offset, 0, size);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "A read of {Key} at {OffsetBytes} for {SizeBytes} bytes brought {Bytes}; the program got EIO")]
    private partial void LogWrongCount(FileKey key, long offsetBytes, int sizeBytes, int bytes);
}
