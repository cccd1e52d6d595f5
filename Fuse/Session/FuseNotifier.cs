using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The one thread that sends NOTIFY_*. The kernel may make it wait for pages whose READ is still owed, so it holds no
/// lock and serves no request; callers only queue. A full queue refuses: the kernel's timeouts then do the work late.
/// </summary>
internal sealed unsafe partial class FuseNotifier : IDisposable
{
    private readonly SafeFileHandle _device;
    private readonly BlockingCollection<Notification> _queue;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger;
    private long _refused;

    public FuseNotifier(SafeFileHandle device, int capacity, ILogger logger)
    {
        (_device, _logger) = (device, logger);
        _queue = new BlockingCollection<Notification>(capacity);
        new Thread(Run) { IsBackground = true, Name = "fuse-notify" }.Start();
    }

    /// <summary>Ends when the thread has ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Notifications that found the queue full or the session ending.</summary>
    public long RefusedCount => Volatile.Read(ref _refused);

    public bool InvalidateInode(ulong nodeId, long offset, long length) =>
        TryQueue(new Notification(FuseNotifyCode.InvalidateInode, nodeId, 0, offset, length, []));

    public bool InvalidateEntry(ulong parentId, ReadOnlySpan<byte> name) =>
        TryQueue(new Notification(FuseNotifyCode.InvalidateEntry, parentId, 0, 0, 0, Copy(name)));

    /// <summary>For kernels that offer <see cref="FuseFeatures.HasExpireOnly"/>.</summary>
    public bool ExpireEntry(ulong parentId, ReadOnlySpan<byte> name) =>
        TryQueue(new Notification(FuseNotifyCode.InvalidateEntry, parentId, 0, 0, 0, Copy(name)) { ExpireOnly = true });

    public bool Delete(ulong parentId, ulong childId, ReadOnlySpan<byte> name) =>
        TryQueue(new Notification(FuseNotifyCode.Delete, parentId, childId, 0, 0, Copy(name)));

    /// <summary>Takes no more; the thread sends what is queued and ends.</summary>
    public void Close() => _queue.CompleteAdding();

    /// <summary>After <see cref="Ended"/> only.</summary>
    public void Dispose() => _queue.Dispose();

    private static byte[] Copy(ReadOnlySpan<byte> name)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, FuseMessage.NameBytesMax, nameof(name));
        return name.ToArray();
    }

    private bool TryQueue(in Notification notification)
    {
        try
        {
            if (!_queue.IsAddingCompleted && _queue.TryAdd(notification))
            {
                return true;
            }
        }
        catch (InvalidOperationException)
        {
            // Closed between the check and the add: refused like any other.
        }

        Interlocked.Increment(ref _refused);
        return false;
    }

    private void Run()
    {
        try
        {
            var buffer = stackalloc byte[FuseNotify.BytesMax];
            foreach (var notification in _queue.GetConsumingEnumerable())
            {
                if (!TrySend(buffer, in notification))
                {
                    break;
                }
            }
        }
        catch (Exception exception)
        {
            LogFailed(exception);
        }

        _queue.CompleteAdding();
        _ended.SetResult();
    }

    /// <returns>False when the connection is over.</returns>
    private bool TrySend(byte* buffer, in Notification notification)
    {
        var target = new Span<byte>(buffer, FuseNotify.BytesMax);
        var length = notification.Code switch
        {
            FuseNotifyCode.InvalidateInode => FuseNotify.WriteInvalidateInode(
                target, notification.NodeId, notification.Offset, notification.Length),
            FuseNotifyCode.InvalidateEntry => FuseNotify.WriteInvalidateEntry(
                target, notification.NodeId, notification.Name, notification.ExpireOnly),
            _ => FuseNotify.WriteDelete(target, notification.NodeId, notification.ChildId, notification.Name),
        };

        DescriptorIo.Write(_device, buffer, length, out var error);
        switch (error)
        {
            case Errno.None:
            case Errno.NoEntry: // The kernel does not know the node or name any more: nothing to drop.
            case Errno.NotDirectory:
            case Errno.NotEmpty:
                return true;
            case Errno.NoDevice:
            case Errno.NotPermitted: // What writing to an unmounted connection says.
            case Errno.ConnectionAborted:
                return false;
            default:
                LogRefused(notification.Code, notification.NodeId, error);
                return true;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The kernel refused {Code} of node {NodeId}: {Error}")]
    private partial void LogRefused(FuseNotifyCode code, ulong nodeId, Errno error);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The FUSE notify thread failed and ends")]
    private partial void LogFailed(Exception exception);

    private readonly record struct Notification(
        FuseNotifyCode Code, ulong NodeId, ulong ChildId, long Offset, long Length, byte[] Name)
    {
        public bool ExpireOnly { get; init; }
    }
}
