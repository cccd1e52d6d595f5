using System.Globalization;
using System.Text;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;

namespace OrleansCache.NullFuse;

/// <summary>
/// Nothing behind the session: one directory of equal files (f0, f1, ...) whose every read is the same memory. What
/// a benchmark sees here is the kernel, the session threads and nothing else.
/// </summary>
/// <remarks>Node 1 is the directory, file n is node n + 2. Nothing changes: forgets and releases are empty.</remarks>
internal sealed unsafe class NullFileSystem(NullFuseOptions options) : IFuseFileSystem, IDisposable
{
    private const ulong FirstFile = 2;
    private const int NameBytesMax = 32;
    private static readonly TimeSpan Validity = TimeSpan.FromHours(1);

    private AnonymousMemory? _content;

    public void Init(IFuseConnection connection)
    {
        _content = new AnonymousMemory(connection.Info.ReadBytesMax);
        new Span<byte>(_content.Address, connection.Info.ReadBytesMax).Fill((byte)'o');
    }

    public void Destroy() => Dispose();

    public void Dispose() => _content?.Dispose();

    public FuseReply Lookup(in FuseRequest request, ReadOnlySpan<byte> name)
    {
        if (request.NodeId == FuseDevice.RootId && name is [(byte)'f', .. var digits]
            && ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && index < options.Count)
        {
            var attributes = Attributes(FirstFile + index);
            return request.Entry(FuseEntryOut.Create(FirstFile + index, in attributes, Validity, Validity));
        }

        return request.NoEntry(Validity);
    }

    public void Forget(ulong nodeId, ulong lookupCount)
    {
    }

    public void ForgetMany(ReadOnlySpan<FuseForgetOne> forgets)
    {
    }

    public FuseReply GetAttr(in FuseRequest request, in FuseGetAttrIn arguments)
    {
        var attributes = Attributes(request.NodeId);
        return request.Attributes(FuseAttributesOut.Create(in attributes, Validity));
    }

    public FuseReply ReadLink(in FuseRequest request) => FuseReply.Error(Errno.Invalid);

    public FuseReply Open(in FuseRequest request, in FuseOpenIn arguments) => options.NoOpen
        ? FuseReply.Error(Errno.NotImplemented)
        : request.Opened(new FuseOpenOut { Flags = options.OpenFlags });

    public FuseReply Read(in FuseRequest request, in FuseReadIn arguments)
    {
        var rest = Math.Max(0, options.SizeBytes - (long)arguments.Offset);
        return FuseReply.DataAt(_content!.Address, (int)Math.Min(rest, arguments.SizeBytes));
    }

    public FuseReply Release(in FuseRequest request, in FuseReleaseIn arguments) => FuseReply.Ok;

    public FuseReply OpenDir(in FuseRequest request, in FuseOpenIn arguments) =>
        request.Opened(new FuseOpenOut { Flags = FuseOpenFlags.CacheDirectory });

    public FuseReply ReadDir(in FuseRequest request, in FuseReadIn arguments) =>
        List(in request, in arguments, plus: false);

    public FuseReply ReadDirPlus(in FuseRequest request, in FuseReadIn arguments) =>
        List(in request, in arguments, plus: true);

    public FuseReply ReleaseDir(in FuseRequest request, in FuseReleaseIn arguments) => FuseReply.Ok;

    public FuseReply StatFs(in FuseRequest request) => request.StatFs(new FuseStatFsOut
    {
        BlockSizeBytes = 4096,
        FragmentSizeBytes = 4096,
        Files = options.Count,
        NameLengthMax = NameBytesMax,
    });

    public FuseReply Access(in FuseRequest request, in FuseAccessIn arguments) => FuseReply.Ok;

    public FuseReply GetXAttr(in FuseRequest request, ReadOnlySpan<byte> name, in FuseXAttrIn arguments) =>
        FuseReply.Error(Errno.NotImplemented);

    public FuseReply ListXAttr(in FuseRequest request, in FuseXAttrIn arguments) =>
        FuseReply.Error(Errno.NotImplemented);

    private FuseReply List(in FuseRequest request, in FuseReadIn arguments, bool plus)
    {
        var writer = request.Directory(in arguments);
        Span<byte> name = stackalloc byte[NameBytesMax];
        for (var index = arguments.Offset; index < options.Count; index++)
        {
            Encoding.ASCII.TryGetBytes("f", name, out _);
            index.TryFormat(name[1..], out var digits, default, CultureInfo.InvariantCulture);
            var attributes = Attributes(FirstFile + index);
            var entry = FuseEntryOut.Create(FirstFile + index, in attributes, Validity, Validity);
            var fits = plus
                ? writer.TryAddPlus(name[..(digits + 1)], in entry, index + 1)
                : writer.TryAdd(name[..(digits + 1)], attributes.Inode, attributes.Mode, index + 1);
            if (!fits)
            {
                break;
            }
        }

        return request.Filled(writer.UsedBytes);
    }

    private FuseAttributes Attributes(ulong node) => new()
    {
        Inode = node,
        Mode = node == FuseDevice.RootId ? FuseMode.Directory | 0x16D : FuseMode.Regular | 0x124,
        LinkCount = 1,
        SizeBytes = node == FuseDevice.RootId ? 0 : (ulong)options.SizeBytes,
        BlockSizeBytes = 4096,
        Blocks = node == FuseDevice.RootId ? 0 : (ulong)(options.SizeBytes + 511) / 512,
    };
}
