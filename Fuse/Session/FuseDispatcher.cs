using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// From a parsed message to the file system's method and back to a reply that may be written. No I/O. Nothing a
/// message contains, and nothing an operation returns or throws, gets past this class.
/// </summary>
internal sealed partial class FuseDispatcher(IFuseFileSystem fileSystem, ILogger logger)
{
    /// <summary>Serves one request that expects a reply, or a FORGET (whose result is ignored).</summary>
    public FuseReply Dispatch(FuseRequestContext context, in FuseMessage message)
    {
        ref readonly var header = ref message.Header;
        FuseReply reply;
        try
        {
            reply = Serve(new FuseRequest(context, in header), header.Opcode, message.Body);
        }
        catch (Exception exception)
        {
            LogOperationFailed(header.Opcode, header.NodeId, exception);
            reply = FuseReply.Error(Errno.InputOutput);
            if (context.DeferredToken is { } token)
            {
                token.ReplyError(Errno.InputOutput);
                reply = FuseReply.Deferred;
            }
        }

        return Check(context, in header, message.Body, reply);
    }

    private FuseReply Serve(in FuseRequest request, FuseOpcode opcode, ReadOnlySpan<byte> body)
    {
        switch (opcode)
        {
            case FuseOpcode.Read:
                return FuseMessage.TryOverlay<FuseReadIn>(body, out var read)
                    ? fileSystem.Read(in request, in read[0])
                    : Malformed(in request);
            case FuseOpcode.Lookup:
                return FuseMessage.TryName(body, out var name)
                    ? fileSystem.Lookup(in request, name)
                    : Malformed(in request);
            case FuseOpcode.GetAttr:
                return FuseMessage.TryOverlay<FuseGetAttrIn>(body, out var getAttr)
                    ? fileSystem.GetAttr(in request, in getAttr[0])
                    : Malformed(in request);
            case FuseOpcode.Open or FuseOpcode.OpenDir:
                return ServeOpen(in request, body);
            case FuseOpcode.Release or FuseOpcode.ReleaseDir:
                return ServeRelease(in request, body);
            case FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus:
                return ServeReadDir(in request, body);
            case FuseOpcode.Forget or FuseOpcode.BatchForget:
                return ServeForget(in request, body);
            case FuseOpcode.GetXAttr or FuseOpcode.ListXAttr:
                return ServeXAttr(in request, body);
            case FuseOpcode.Access:
                return FuseMessage.TryOverlay<FuseAccessIn>(body, out var access)
                    ? fileSystem.Access(in request, in access[0])
                    : Malformed(in request);
            case FuseOpcode.ReadLink:
                return fileSystem.ReadLink(in request);
            case FuseOpcode.StatFs:
                return fileSystem.StatFs(in request);
            case FuseOpcode.Destroy:
                return FuseReply.Ok; // The session tells the file system when its last thread has ended.
            default:
                return FuseReply.Error(FuseOpcodes.Changes(opcode) ? Errno.ReadOnlyFileSystem : Errno.NotImplemented);
        }
    }

    private FuseReply ServeOpen(in FuseRequest request, ReadOnlySpan<byte> body)
    {
        if (!FuseMessage.TryOverlay<FuseOpenIn>(body, out var open))
        {
            return Malformed(in request);
        }

        return request.Opcode == FuseOpcode.Open
            ? fileSystem.Open(in request, in open[0])
            : fileSystem.OpenDir(in request, in open[0]);
    }

    private FuseReply ServeRelease(in FuseRequest request, ReadOnlySpan<byte> body)
    {
        if (!FuseMessage.TryOverlay<FuseReleaseIn>(body, out var release))
        {
            return Malformed(in request);
        }

        return request.Opcode == FuseOpcode.Release
            ? fileSystem.Release(in request, in release[0])
            : fileSystem.ReleaseDir(in request, in release[0]);
    }

    private FuseReply ServeReadDir(in FuseRequest request, ReadOnlySpan<byte> body)
    {
        if (!FuseMessage.TryOverlay<FuseReadIn>(body, out var read))
        {
            return Malformed(in request);
        }

        return request.Opcode == FuseOpcode.ReadDir
            ? fileSystem.ReadDir(in request, in read[0])
            : fileSystem.ReadDirPlus(in request, in read[0]);
    }

    private FuseReply ServeForget(in FuseRequest request, ReadOnlySpan<byte> body)
    {
        if (request.Opcode == FuseOpcode.BatchForget)
        {
            if (!FuseMessage.TryForgets(body, out var forgets))
            {
                return Malformed(in request);
            }

            fileSystem.ForgetMany(forgets);
            return FuseReply.Ok;
        }

        if (!FuseMessage.TryOverlay<ulong>(body, out var lookupCount))
        {
            return Malformed(in request);
        }

        fileSystem.Forget(request.NodeId, lookupCount[0]);
        return FuseReply.Ok;
    }

    private FuseReply ServeXAttr(in FuseRequest request, ReadOnlySpan<byte> body)
    {
        if (!FuseMessage.TryOverlay<FuseXAttrIn>(body, out var asked))
        {
            return Malformed(in request);
        }

        if (request.Opcode == FuseOpcode.ListXAttr)
        {
            return fileSystem.ListXAttr(in request, in asked[0]);
        }

        return FuseMessage.TryName(body[Unsafe.SizeOf<FuseXAttrIn>()..], out var name)
            ? fileSystem.GetXAttr(in request, name, in asked[0])
            : Malformed(in request);
    }

    /// <summary>Exactly one reply, and one the kernel takes.</summary>
    private FuseReply Check(
        FuseRequestContext context, in FuseInHeader header, ReadOnlySpan<byte> body, FuseReply reply)
    {
        if (context.DeferredToken is { } token)
        {
            if (reply.Kind != FuseReplyKind.Deferred)
            {
                LogDeferredTwice(header.Opcode);
                token.ReplyError(Errno.InputOutput);
            }

            return FuseReply.Deferred;
        }

        switch (reply.Kind)
        {
            case FuseReplyKind.Error:
                return reply;
            case FuseReplyKind.Buffer or FuseReplyKind.External when FuseReplyRules.Allows(
                header.Opcode, FuseReplyRules.AskedBytes(header.Opcode, body), reply.LengthBytes):
                return reply;
            default:
                LogBadReply(header.Opcode, reply.Kind, reply.LengthBytes);
                return FuseReply.Error(Errno.InputOutput);
        }
    }

    private FuseReply Malformed(in FuseRequest request)
    {
        LogMalformed(request.Opcode, request.Unique);
        return FuseReply.Error(Errno.InputOutput);
    }
}
