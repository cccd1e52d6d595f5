using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>OPENDIR, READDIR, READDIRPLUS, RELEASEDIR.</summary>
internal sealed partial class OcacheFileSystem
{
    public FuseReply OpenDir(in FuseRequest request, in FuseOpenIn arguments)
    {
        if (_nodes.Find(request.NodeId) is not { } node)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (node.Kind != FileKind.Directory)
        {
            return FuseReply.Error(Errno.NotDirectory);
        }

        // No FOPEN_CACHE_DIR: the kernel would show its copy of the listing beyond the lease to whoever keeps it open.
        var handle = _directories.Add(new OpenDirectory(node));
        return handle == 0
            ? FuseReply.Error(Errno.TooManyOpenFiles)
            : request.Opened(new FuseOpenOut { Handle = handle });
    }

    public FuseReply ReadDir(in FuseRequest request, in FuseReadIn arguments) =>
        List(in request, in arguments, isPlus: false);

    public FuseReply ReadDirPlus(in FuseRequest request, in FuseReadIn arguments) =>
        List(in request, in arguments, isPlus: true);

    public FuseReply ReleaseDir(in FuseRequest request, in FuseReleaseIn arguments)
    {
        _directories.Remove(arguments.Handle)?.Dispose();
        return FuseReply.Ok;
    }

    private FuseReply List(in FuseRequest request, in FuseReadIn arguments, bool isPlus)
    {
        if (_directories.Find(arguments.Handle) is not { } directory || directory.Node.Id != request.NodeId)
        {
            return FuseReply.Error(Errno.BadDescriptor);
        }

        if (_nodes.EntryOf(directory.Node) is not { } entry)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (arguments.Offset == 0)
        {
            directory.Rewind();
        }

        var size = (int)Math.Min(arguments.SizeBytes, (uint)request.ReplyBuffer.Length);
        var listing = new Listing(directory, entry, arguments.Offset, isPlus);
        var operation = new PendingOperation();
        var pending = LoadAsync(listing, operation.Cancellation);
        if (!pending.IsCompletedSuccessfully)
        {
            operation.Start(request.Defer(), _time, _options.Deadline);
            _ = ListLaterAsync(operation, pending, listing, size);
            return FuseReply.Deferred;
        }

        operation.Dispose();
        var loaded = pending.Result;
        return loaded.Error != Errno.None
            ? FuseReply.Error(loaded.Error)
            : request.Filled(Pack(request.ReplyBuffer[..size], listing, loaded, null));
    }

    private async Task ListLaterAsync(
        PendingOperation operation, ValueTask<LoadedPage> pending, Listing listing, int size)
    {
        _background.Enter();
        var error = Errno.InputOutput;
        try
        {
            var loaded = await pending.ConfigureAwait(false);
            error = loaded.Error;
            if (error == Errno.None)
            {
                PackLater(operation, listing, loaded, size);
            }
        }
        catch (OperationCanceledException)
        {
            error = Errno.InputOutput; // Only when neither the interrupt nor the deadline has answered.
        }
        catch (Exception exception)
        {
            error = Errno.InputOutput;
            LogFailed(exception, listing.IsPlus ? FuseOpcode.ReadDirPlus : FuseOpcode.ReadDir);
        }
        finally
        {
            if (error != Errno.None)
            {
                operation.Fail(error);
            }

            operation.Dispose();
            _background.Exit();
        }
    }

    private void PackLater(PendingOperation operation, Listing listing, LoadedPage loaded, int size)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        var handedOut = new List<ulong>();
        try
        {
            var used = Pack(buffer.AsSpan(0, size), listing, loaded, handedOut);
            if (!operation.TryAnswer(out var token) || !token.ReplyData(buffer.AsSpan(0, used)))
            {
                foreach (var node in handedOut)
                {
                    _nodes.Forget(node, 1);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Finds the page and the position a cookie points to, listing what is not kept.</summary>
    private async ValueTask<LoadedPage> LoadAsync(Listing listing, CancellationToken cancellationToken)
    {
        var directory = listing.Directory;
        var (sequence, position) = directory.Resolve(listing.Cookie);
        while (true)
        {
            var page = directory.Find(sequence, out var after);
            if (page is null)
            {
                var (outcome, stamp) = await ListPageAsync(listing, after, cancellationToken).ConfigureAwait(false);
                if (outcome.Status != ReadStatus.Ok)
                {
                    return new LoadedPage(ReadStatusErrno.ToErrno(outcome.Status), null, 0);
                }

                if (outcome.Nodes.Count == 0 && !outcome.IsLast)
                {
                    LogEmptyPage(listing.Entry.Path, after);
                    return new LoadedPage(Errno.InputOutput, null, 0);
                }

                (page, var hasChanged) = directory.Add(sequence, outcome, _clock.ExpiryOf(outcome.ValidFor), stamp);
                position = hasChanged ? 0 : position;
                AskAhead(listing, page);
            }

            if (position < page.Nodes.Count || page.IsLast)
            {
                return new LoadedPage(Errno.None, page, position);
            }

            (sequence, position) = (directory.Next(page), 0);
        }
    }

    /// <summary>A page: the one that was asked for ahead, or asked for now.</summary>
    private async ValueTask<StampedPage> ListPageAsync(Listing listing, string? after, CancellationToken cancellationToken)
    {
        if (listing.Directory.TakeAhead(after) is { } ahead)
        {
            var page = await ahead.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (page.Outcome.Status == ReadStatus.Ok)
            {
                return page;
            }
        }

        var stamp = _kernel.Stamp;
        return new StampedPage(await _view.ListAsync(listing.Entry, after, cancellationToken).ConfigureAwait(false), stamp);
    }

    /// <summary>Asks for the page after one that is read for the first time, while the kernel reads this one.</summary>
    private void AskAhead(Listing listing, ListedPage page)
    {
        if (page.Next is not null && listing.Directory.BeginAhead(page) is { } cancellation)
        {
            _background.Enter();
            listing.Directory.SetAhead(page.Next, AskAheadAsync(listing.Entry, page.Next, cancellation), cancellation);
        }
    }

    private async Task<StampedPage> AskAheadAsync(NodeEntry directory, string after, CancellationToken cancellationToken)
    {
        var stamp = _kernel.Stamp;
        try
        {
            return new StampedPage(await _view.ListAsync(directory, after, cancellationToken).ConfigureAwait(false), stamp);
        }
        catch (OperationCanceledException)
        {
            return new StampedPage(new ListOutcome(ReadStatus.Unavailable, [], null, TimeSpan.Zero), stamp); // Closed or rewound.
        }
        catch (Exception exception)
        {
            LogFailed(exception, FuseOpcode.ReadDir);
            return new StampedPage(new ListOutcome(ReadStatus.Unavailable, [], null, TimeSpan.Zero), stamp);
        }
        finally
        {
            _background.Exit();
        }
    }

    /// <summary>Packs entries from the cookie on, until the room or the page ends.</summary>
    /// <returns>Bytes used; none at the end of the directory.</returns>
    private int Pack(Span<byte> room, Listing listing, LoadedPage loaded, List<ulong>? handedOut)
    {
        var writer = new FuseDirectoryWriter(room);
        for (var cookie = listing.Cookie; cookie < OpenDirectory.FirstEntryCookie; cookie++)
        {
            if (!TryAddDots(ref writer, listing, cookie))
            {
                return writer.UsedBytes;
            }
        }

        Span<byte> bytes = stackalloc byte[EntryName.MaxBytes];
        var page = loaded.Page!;
        for (var position = loaded.Position; position < page.Nodes.Count; position++)
        {
            var child = page.Nodes[position];
            var length = NameBytes(child.Entry.Name, bytes);
            if (length == 0)
            {
                Counters.UnlistableNames.Add(1);
                continue;
            }

            var next = OpenDirectory.CookieOf(page.Sequence, position + 1);
            if (!TryAddChild(ref writer, listing, page, child, bytes[..length], next, handedOut))
            {
                break;
            }
        }

        return writer.UsedBytes;
    }

    private bool TryAddDots(ref FuseDirectoryWriter writer, Listing listing, ulong cookie)
    {
        var node = listing.Directory.Node;
        if (cookie == 1)
        {
            node = _nodes.PlaceOf(node).Parent ?? node;
        }

        var attributes = _nodes.AttributesOf(node).Attributes;
        var name = cookie == 0 ? "."u8 : ".."u8;
        return listing.IsPlus
            ? writer.TryAddPlus(name, new FuseEntryOut { Attributes = attributes }, cookie + 1)
            : writer.TryAdd(name, attributes.Inode, attributes.Mode, cookie + 1);
    }

    private bool TryAddChild(
        ref FuseDirectoryWriter writer,
        Listing listing,
        ListedPage page,
        NodeEntry child,
        scoped ReadOnlySpan<byte> name,
        ulong next,
        List<ulong>? handedOut)
    {
        var mode = NodeAttributes.ModeOf(child.Kind, child.Entry.Metadata.Mode);
        if (!listing.IsPlus)
        {
            return writer.TryAdd(name, NodeAttributes.InodeOf(child), mode, next);
        }

        // A lease that is over would be asked for again at once: then the name alone is the better answer.
        if (_clock.ForKernel(page.Expiry) == TimeSpan.Zero || _kernel.Stamp != page.Stamp
            || !TryIntern(listing.Directory.Node, listing.Entry, child, page.Expiry, out var entry))
        {
            entry = default;
            entry.Attributes.Inode = NodeAttributes.InodeOf(child);
            entry.Attributes.Mode = mode;
        }

        if (writer.TryAddPlus(name, in entry, next))
        {
            handedOut?.Add(entry.NodeId);
            return true;
        }

        _nodes.Forget(entry.NodeId, 1);
        return false;
    }

    /// <summary>A name as Linux has it.</summary>
    /// <returns>Its length, or 0 when no Linux directory can hold it.</returns>
    private static int NameBytes(string name, Span<byte> bytes)
    {
        if (name.Length > EntryName.MaxBytes || name is "." or ".." || name.AsSpan().ContainsAny('/', '\0'))
        {
            return 0;
        }

        if (Ascii.FromUtf16(name, bytes, out var length) == OperationStatus.Done)
        {
            return length;
        }

        var encoded = EntryName.ToBytes(name);
        if (encoded.Length > bytes.Length)
        {
            return 0;
        }

        encoded.CopyTo(bytes);
        return encoded.Length;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The listing of {Path} after {After} brought an empty page, not the last; the program got EIO")]
    private partial void LogEmptyPage(string path, string? after);

    /// <summary>One READDIR or READDIRPLUS.</summary>
    private readonly record struct Listing(OpenDirectory Directory, NodeEntry Entry, ulong Cookie, bool IsPlus);

    /// <summary>Where it starts.</summary>
    private readonly record struct LoadedPage(Errno Error, ListedPage? Page, int Position);
}
