using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// What a session serves: one method per operation of a read-only file system. Everything else the session answers
/// itself (EROFS to changes, ENOSYS to the rest, INTERRUPT by the reply token's cancellation).
/// </summary>
/// <remarks>
/// Threading: called by many session threads at once, several times for one node; calls of one open file may overlap.
/// A method returns a reply made by FuseReply or the request (written at once, nothing allocated), or takes the reply
/// away with <see cref="FuseRequest.Defer"/>, returns <see cref="FuseReply.Deferred"/> and answers the token later
/// from any thread. It never waits for a network or another request: a waiting call holds a session thread.
/// Requests, names and buffers live until the method returns. An exception becomes EIO and one log line.
/// </remarks>
internal interface IFuseFileSystem
{
    /// <summary>Called once, before the first operation; the connection is valid until <see cref="Destroy"/>.</summary>
    void Init(IFuseConnection connection);

    /// <summary>Called once, after the last operation: every node and handle is gone, no reply is taken.</summary>
    void Destroy();

    /// <summary>Answer with <see cref="FuseRequest.Entry"/>; an entry raises the node's lookup count by one.</summary>
    FuseReply Lookup(in FuseRequest request, ReadOnlySpan<byte> name);

    /// <summary>The kernel gives back lookups of one node; there is no reply.</summary>
    void Forget(ulong nodeId, ulong lookupCount);

    /// <summary>The kernel gives back lookups of many nodes; there is no reply.</summary>
    void ForgetMany(ReadOnlySpan<FuseForgetOne> forgets);

    /// <summary>Answer with <see cref="FuseRequest.Attributes"/>.</summary>
    FuseReply GetAttr(in FuseRequest request, in FuseGetAttrIn arguments);

    /// <summary>Answer with <see cref="FuseRequest.Data(ReadOnlySpan{byte})"/>: the target, no NUL.</summary>
    FuseReply ReadLink(in FuseRequest request);

    /// <summary>Answer with <see cref="FuseRequest.Opened"/>; ESTALE makes the kernel look the name up again.</summary>
    FuseReply Open(in FuseRequest request, in FuseOpenIn arguments);

    /// <summary>
    /// Answer with <see cref="FuseRequest.Filled"/> after writing into <see cref="FuseRequest.ReplyBuffer"/>, or with
    /// <see cref="FuseReply.DataAt"/>. Fewer bytes than asked for mean end of file.
    /// </summary>
    FuseReply Read(in FuseRequest request, in FuseReadIn arguments);

    /// <summary>The last close of an open file; arrives late and without anybody waiting. Answer Ok.</summary>
    FuseReply Release(in FuseRequest request, in FuseReleaseIn arguments);

    /// <summary>Answer with <see cref="FuseRequest.Opened"/>.</summary>
    FuseReply OpenDir(in FuseRequest request, in FuseOpenIn arguments);

    /// <summary>Pack entries with <see cref="FuseRequest.Directory"/>, answer Filled(its UsedBytes).</summary>
    FuseReply ReadDir(in FuseRequest request, in FuseReadIn arguments);

    /// <summary>As <see cref="ReadDir"/>, with a looked-up node in each entry.</summary>
    FuseReply ReadDirPlus(in FuseRequest request, in FuseReadIn arguments);

    /// <summary>The last close of a directory. Answer Ok.</summary>
    FuseReply ReleaseDir(in FuseRequest request, in FuseReleaseIn arguments);

    /// <summary>Answer with <see cref="FuseRequest.StatFs"/>.</summary>
    FuseReply StatFs(in FuseRequest request);

    /// <summary>access(2) on a mount without default_permissions. Answer Ok or an error.</summary>
    FuseReply Access(in FuseRequest request, in FuseAccessIn arguments);

    /// <summary>Answer with <see cref="FuseRequest.XAttr"/>, or ENODATA.</summary>
    FuseReply GetXAttr(in FuseRequest request, ReadOnlySpan<byte> name, in FuseXAttrIn arguments);

    /// <summary>Answer with <see cref="FuseRequest.XAttr"/>: names, each closed by NUL.</summary>
    FuseReply ListXAttr(in FuseRequest request, in FuseXAttrIn arguments);
}
