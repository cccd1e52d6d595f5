using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>LOOKUP, GETATTR, READLINK, STATFS.</summary>
internal sealed partial class OcacheFileSystem
{
    /// <summary>PATH_MAX without its NUL: the kernel takes no longer target.</summary>
    private const int LinkTargetBytesMax = 4095;

    public FuseReply Lookup(in FuseRequest request, ReadOnlySpan<byte> name)
    {
        if (name.Length > EntryName.MaxBytes)
        {
            return FuseReply.Error(Errno.NameTooLong);
        }

        if (_nodes.Find(request.NodeId) is not { } parent || _nodes.EntryOf(parent) is not { } directory)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (parent.Kind != FileKind.Directory)
        {
            return FuseReply.Error(Errno.NotDirectory);
        }

        var operation = new PendingOperation();
        return Complete(
            in request,
            operation,
            LookupAsync(parent, directory, EntryName.FromBytes(name), request.Pid, operation.Cancellation));
    }

    public FuseReply GetAttr(in FuseRequest request, in FuseGetAttrIn arguments)
    {
        if (_nodes.Find(request.NodeId) is not { } node)
        {
            return FuseReply.Error(Errno.Stale);
        }

        var (attributes, expiry) = _nodes.AttributesOf(node);
        // A node is one version, so its attributes never change; who asks by path has looked the name up before.
        if (_clock.IsLive(expiry) || node.Kind == FileKind.File || _freshLookups.Take(request.Pid, node) is not null)
        {
            return request.Attributes(FuseAttributesOut.Create(in attributes, _clock.ForKernel(expiry)));
        }

        if (_nodes.EntryOf(node) is not { } entry)
        {
            return FuseReply.Error(Errno.Stale);
        }

        var operation = new PendingOperation();
        return Complete(in request, operation, GetAttrAsync(node, entry, operation.Cancellation));
    }

    public FuseReply ReadLink(in FuseRequest request)
    {
        if (_nodes.Find(request.NodeId) is not { } node || _nodes.EntryOf(node) is not { } link)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (node.Kind != FileKind.Symlink)
        {
            return FuseReply.Error(Errno.Invalid);
        }

        var operation = new PendingOperation();
        return Complete(in request, operation, ReadLinkAsync(link, operation.Cancellation));
    }

    public FuseReply StatFs(in FuseRequest request)
    {
        // A size nobody mistakes for a measurement, and no room to write: df shows neither full nor free.
        const uint UnitBytes = 4096;
        const ulong Units = (1UL << 50) / UnitBytes;
        return request.StatFs(new FuseStatFsOut
        {
            Blocks = Units,
            FreeBlocks = Units,
            AvailableBlocks = 0,
            Files = 1UL << 32,
            FreeFiles = 0,
            BlockSizeBytes = UnitBytes,
            FragmentSizeBytes = UnitBytes,
            NameLengthMax = EntryName.MaxBytes,
        });
    }

    private async ValueTask<EntryAnswer> LookupAsync(
        FileNode parent, NodeEntry directory, string name, uint thread, CancellationToken cancellationToken)
    {
        var stamp = _kernel.Stamp;
        var outcome = await _view.LookupAsync(directory, name, cancellationToken).ConfigureAwait(false);
        var validFor = ValidFor(outcome.ValidFor, stamp);
        if (outcome.Status != ReadStatus.Ok)
        {
            var absentFor = LeaseClock.ForKernel(validFor);
            if (outcome.Status == ReadStatus.NotFound && absentFor > TimeSpan.Zero)
            {
                _absent.Add(parent, name, _clock.ExpiryOf(absentFor));
            }

            return new EntryAnswer(ReadStatusErrno.ToErrno(outcome.Status), default, absentFor, _nodes);
        }

        var expiry = _clock.ExpiryOf(validFor);
        if (!TryIntern(parent, directory, outcome.Node!, expiry, out var entry))
        {
            return new EntryAnswer(Errno.InputOutput, default, default, _nodes);
        }

        if (!_clock.IsLive(expiry) && _nodes.Find(entry.NodeId) is { } node)
        {
            _freshLookups.Put(thread, node, outcome.Node!);
        }

        return new EntryAnswer(Errno.None, entry, default, _nodes);
    }

    /// <summary>A node for the kernel, with one lookup; false (and logged) when there cannot be one.</summary>
    private bool TryIntern(
        FileNode parent, NodeEntry directory, NodeEntry child, long expiry, out FuseEntryOut entry)
    {
        entry = default;
        if (!NodeIdentity.Of(child).IsUsable)
        {
            LogNoKey(child.Path);
            return false;
        }

        if (_nodes.Intern(parent, directory, child, expiry) is not { } node)
        {
            LogNodesFull(_options.NodesMax);
            return false;
        }

        _trimmer.OnInterned(_connection);
        var validity = _clock.ForKernel(expiry);
        entry = FuseEntryOut.Create(node.Id, _nodes.AttributesOf(node).Attributes, validity, validity);
        return true;
    }

    private async ValueTask<AttributesAnswer> GetAttrAsync(
        FileNode node, NodeEntry entry, CancellationToken cancellationToken)
    {
        var stamp = _kernel.Stamp;
        var outcome = await _view.RefreshAsync(entry, cancellationToken).ConfigureAwait(false);
        var expiry = _clock.ExpiryOf(ValidFor(outcome.ValidFor, stamp));
        return outcome.Status == ReadStatus.Ok && _nodes.TryUpdate(node, outcome.Node!, expiry)
            ? new AttributesAnswer(
                Errno.None, FuseAttributesOut.Create(_nodes.AttributesOf(node).Attributes, _clock.ForKernel(expiry)))
            : new AttributesAnswer(ErrnoOfPlace(outcome.Status), default);
    }

    private async ValueTask<BytesAnswer> ReadLinkAsync(NodeEntry link, CancellationToken cancellationToken)
    {
        var outcome = await _view.ReadLinkAsync(link, cancellationToken).ConfigureAwait(false);
        if (outcome.Status != ReadStatus.Ok)
        {
            return new BytesAnswer(ErrnoOfPlace(outcome.Status), []);
        }

        var target = EntryName.ToBytes(outcome.Target);
        return target.Length is 0 or > LinkTargetBytesMax
            ? new BytesAnswer(Errno.InputOutput, [])
            : new BytesAnswer(Errno.None, target);
    }

    /// <summary>
    /// For a node asked about by its place: when the place is gone or holds something else, ESTALE makes the kernel
    /// look the name up again, and that answers truly.
    /// </summary>
    private static Errno ErrnoOfPlace(ReadStatus status) =>
        status is ReadStatus.Ok or ReadStatus.NotFound ? Errno.Stale : ReadStatusErrno.ToErrno(status);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Path} is a file without a key: its versions cannot be told apart, so it is not shown")]
    private partial void LogNoKey(string path);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The kernel holds {NodesMax} nodes, the limit; the lookup got EIO")]
    private partial void LogNodesFull(int nodesMax);
}
