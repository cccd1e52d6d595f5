using System.Collections.Concurrent;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.Tests.Session;

/// <summary>Keeps deferred replies instead of writing them to a device.</summary>
internal sealed class RecordingSink : IFuseReplySink
{
    public ConcurrentQueue<(FuseOutHeader Header, byte[] Data)> Replies { get; } = new();

    public bool Send(in FuseOutHeader header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        Replies.Enqueue((header, [.. first, .. second]));
        return true;
    }
}
