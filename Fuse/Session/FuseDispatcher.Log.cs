using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

internal sealed partial class FuseDispatcher
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Opcode} of node {NodeId} failed; the caller gets EIO")]
    private partial void LogOperationFailed(FuseOpcode opcode, ulong nodeId, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Opcode} deferred its reply and returned one too: EIO")]
    private partial void LogDeferredTwice(FuseOpcode opcode);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Opcode} returned a reply the kernel refuses ({Kind}, {LengthBytes} bytes); the caller gets EIO")]
    private partial void LogBadReply(FuseOpcode opcode, FuseReplyKind kind, int lengthBytes);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Opcode} request {Unique} is malformed; the caller gets EIO")]
    private partial void LogMalformed(FuseOpcode opcode, ulong unique);
}
