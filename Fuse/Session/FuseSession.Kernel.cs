using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>The session's own conversations with the kernel: descriptors, interrupts, backing files.</summary>
internal sealed partial class FuseSession
{
    private bool _cloneRefusalLogged;

    /// <inheritdoc/>
    public unsafe Errno OpenBacking(SafeHandle file, out int backingId)
    {
        backingId = 0;
        if (!Info.Passthrough)
        {
            return Errno.NotPermitted;
        }

        var reference = false;
        try
        {
            file.DangerousAddRef(ref reference);
            var map = new FuseBackingMap { Descriptor = (int)file.DangerousGetHandle() };
            backingId = DescriptorIo.Control(_device, FuseDevice.BackingOpen, &map, out var error);
            return error;
        }
        finally
        {
            if (reference)
            {
                file.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public unsafe void CloseBacking(int backingId)
    {
        var id = (uint)backingId;
        try
        {
            DescriptorIo.Control(_device, FuseDevice.BackingClose, &id, out var error);
            if (error != Errno.None)
            {
                LogBackingNotClosed(backingId, error);
            }
        }
        catch (ObjectDisposedException)
        {
            // The connection is gone and took all its backing ids with it.
        }
    }

    /// <summary>
    /// An INTERRUPT: if the signal ends the program, end the operation with EINTR, wherever that operation is by now.
    /// </summary>
    internal void Interrupt(in FuseMessage message)
    {
        if (!FuseMessage.TryOverlay<ulong>(message.Body, out var body))
        {
            return;
        }

        var unique = body[0];
        if (_pending.Interrupt(unique))
        {
            return;
        }

        // Still in a session thread: it answers at once, or it defers and finds the mark. It may have deferred since
        // the first look, hence the second.
        if (Array.Exists(_workers, worker => worker.TryMarkInterrupted(unique)))
        {
            _pending.Interrupt(unique);
            return;
        }

        AskAgain(message.Header.Unique);
    }

    /// <summary>
    /// Answered already, or read a moment ago by a thread that has not said so yet. EAGAIN makes the kernel repeat the
    /// INTERRUPT if the request is still open; it must go to the descriptor the request came from, which is not known.
    /// </summary>
    private void AskAgain(ulong interruptUnique)
    {
        foreach (var worker in _workers)
        {
            if (worker.Channel.AskInterruptAgain(interruptUnique))
            {
                return;
            }
        }
    }

    /// <summary>A descriptor of its own for a thread; where that is refused, threads share the first.</summary>
    private unsafe FuseChannel OpenChannel()
    {
        var clone = FileOpening.TryOpen(FuseDevice.Path, OpenFlags.ReadWrite, 0, out var errno);
        var error = (Errno)errno;
        if (clone is not null)
        {
            var master = (uint)_device.DangerousGetHandle();
            DescriptorIo.Control(clone, FuseDevice.Clone, &master, out error);
            if (error == Errno.None)
            {
                return new FuseChannel(clone, owned: true, _logger);
            }

            clone.Dispose();
        }

        if (!_cloneRefusalLogged)
        {
            _cloneRefusalLogged = true;
            LogCloneRefused(error);
        }

        return new FuseChannel(_device, owned: false, _logger);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Session threads share one FUSE descriptor, because cloning it failed with {Error}")]
    private partial void LogCloneRefused(Errno error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Backing id {BackingId} could not be given back: {Error}")]
    private partial void LogBackingNotClosed(int backingId, Errno error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Count} FUSE session threads did not come back from their operations within {Timeout}; left behind")]
    private partial void LogThreadsLeft(int count, TimeSpan timeout);

    [LoggerMessage(Level = LogLevel.Error, Message = "Ending the FUSE session failed half way")]
    private partial void LogEndFailed(Exception exception);
}
