using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>Where deferred replies go: the descriptor that delivered the request, or a test's list.</summary>
internal interface IFuseReplySink
{
    /// <summary>Writes header and data as one message. The header's length is already right.</summary>
    /// <returns>False when the kernel no longer wants the reply.</returns>
    bool Send(in FuseOutHeader header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second);
}
