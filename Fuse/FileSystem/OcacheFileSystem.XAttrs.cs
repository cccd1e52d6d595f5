using System.Globalization;
using System.Text;
using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>GETXATTR, LISTXATTR: what a program may know of the cache.</summary>
internal sealed partial class OcacheFileSystem
{
    private static ReadOnlySpan<byte> VersionName => "user.ocache.version"u8;

    private static ReadOnlySpan<byte> CachedPercentName => "user.ocache.cached_percent"u8;

    private static ReadOnlySpan<byte> FileNames => "user.ocache.version\0user.ocache.cached_percent\0"u8;

    public FuseReply GetXAttr(in FuseRequest request, ReadOnlySpan<byte> name, in FuseXAttrIn arguments)
    {
        if (_nodes.Find(request.NodeId) is not { } node)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (node.Kind == FileKind.File && name.SequenceEqual(VersionName))
        {
            return request.XAttr(Encoding.ASCII.GetBytes(node.Key.ToString()), in arguments);
        }

        if (node.Kind != FileKind.File || !name.SequenceEqual(CachedPercentName))
        {
            return FuseReply.Error(Errno.NoData);
        }

        if (_nodes.EntryOf(node) is not { } entry)
        {
            return FuseReply.Error(Errno.Stale);
        }

        var operation = new PendingOperation();
        return Complete(
            in request, operation, CachedPercentAsync(node, entry, arguments, operation.Cancellation));
    }

    public FuseReply ListXAttr(in FuseRequest request, in FuseXAttrIn arguments) =>
        _nodes.Find(request.NodeId) is not { } node ? FuseReply.Error(Errno.Stale)
        : request.XAttr(node.Kind == FileKind.File ? FileNames : default, in arguments);

    private async ValueTask<XAttrAnswer> CachedPercentAsync(
        FileNode node, NodeEntry entry, FuseXAttrIn asked, CancellationToken cancellationToken)
    {
        var seen = await _view.RefreshAsync(entry, cancellationToken).ConfigureAwait(false);
        if (seen.Status != ReadStatus.Ok || NodeIdentity.Of(seen.Node!) != node.Identity)
        {
            return new XAttrAnswer(ErrnoOfPlace(seen.Status), [], asked);
        }

        var opened = await _opener.OpenAsync(seen.Node!, cancellationToken).ConfigureAwait(false);
        if (opened.Status != ReadStatus.Ok)
        {
            return new XAttrAnswer(ErrnoOfPlace(opened.Status), [], asked);
        }

        using var reader = opened.Reader!;
        var percent = await reader.GetCachedPercentAsync(cancellationToken).ConfigureAwait(false);
        var text = percent.ToString(CultureInfo.InvariantCulture);
        return new XAttrAnswer(Errno.None, Encoding.ASCII.GetBytes(text), asked);
    }
}
