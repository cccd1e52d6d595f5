using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>A file system whose Init throws; nothing else may be called.</summary>
internal sealed class FailingStart : IFuseFileSystem
{
    public void Init(IFuseConnection connection) => throw new InvalidOperationException("on purpose");

    public void Destroy() => throw Unexpected;

    public FuseReply Lookup(in FuseRequest request, ReadOnlySpan<byte> name) => throw Unexpected;

    public void Forget(ulong nodeId, ulong lookupCount) => throw Unexpected;

    public void ForgetMany(ReadOnlySpan<FuseForgetOne> forgets) => throw Unexpected;

    public FuseReply GetAttr(in FuseRequest request, in FuseGetAttrIn arguments) => throw Unexpected;

    public FuseReply ReadLink(in FuseRequest request) => throw Unexpected;

    public FuseReply Open(in FuseRequest request, in FuseOpenIn arguments) => throw Unexpected;

    public FuseReply Read(in FuseRequest request, in FuseReadIn arguments) => throw Unexpected;

    public FuseReply Release(in FuseRequest request, in FuseReleaseIn arguments) => throw Unexpected;

    public FuseReply OpenDir(in FuseRequest request, in FuseOpenIn arguments) => throw Unexpected;

    public FuseReply ReadDir(in FuseRequest request, in FuseReadIn arguments) => throw Unexpected;

    public FuseReply ReadDirPlus(in FuseRequest request, in FuseReadIn arguments) => throw Unexpected;

    public FuseReply ReleaseDir(in FuseRequest request, in FuseReleaseIn arguments) => throw Unexpected;

    public FuseReply StatFs(in FuseRequest request) => throw Unexpected;

    public FuseReply Access(in FuseRequest request, in FuseAccessIn arguments) => throw Unexpected;

    public FuseReply GetXAttr(in FuseRequest request, ReadOnlySpan<byte> name, in FuseXAttrIn arguments) =>
        throw Unexpected;

    public FuseReply ListXAttr(in FuseRequest request, in FuseXAttrIn arguments) => throw Unexpected;

    private static InvalidOperationException Unexpected => new("Called after a failed Init.");
}
