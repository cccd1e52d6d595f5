using System.Collections.Concurrent;
using System.Text;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Session;

internal delegate FuseReply RequestHandler(in FuseRequest request);

internal delegate FuseReply ReadHandler(in FuseRequest request, FuseReadIn arguments, TestNode node);

/// <summary>A node of <see cref="TestFileSystem"/>.</summary>
internal sealed class TestNode(ulong id, uint mode, byte[] content)
{
    private long _lookups;

    public ulong Id { get; } = id;

    public uint Mode { get; } = mode;

    public byte[] Content { get; set; } = content;

    public ConcurrentDictionary<string, TestNode> Children { get; } = new();

    /// <summary>Children in listing order.</summary>
    public List<(byte[] Name, TestNode Node)> Listing { get; } = [];

    public long Lookups => Volatile.Read(ref _lookups);

    public void AddLookups(long count) => Interlocked.Add(ref _lookups, count);
}

/// <summary>A tree in memory with hooks for everything a test wants to happen differently.</summary>
internal sealed class TestFileSystem : IFuseFileSystem, IDisposable
{
    private readonly ConcurrentDictionary<ulong, TestNode> _nodes = new();
    private ulong _lastId = FuseDevice.RootId;

    public TestFileSystem()
    {
        Root = new TestNode(FuseDevice.RootId, FuseMode.Directory | 0x1ED, []);
        _nodes[Root.Id] = Root;
    }

    public TestNode Root { get; }

    public IFuseConnection? Connection { get; private set; }

    public TaskCompletionSource Destroyed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FuseOpenFlags FileFlags { get; set; } = FuseOpenFlags.NoFlush;

    public int BackingId { get; set; }

    public TimeSpan Validity { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Replaces every operation with a reply.</summary>
    public RequestHandler? OnAny { get; set; }

    public RequestHandler? OnGetAttr { get; set; }

    public RequestHandler? OnOpen { get; set; }

    public ReadHandler? OnRead { get; set; }

    public RequestHandler? OnXAttr { get; set; }

    public long Releases;

    public TestNode Add(TestNode parent, string name, uint mode, byte[] content)
    {
        var node = new TestNode(Interlocked.Increment(ref _lastId), mode, content);
        _nodes[node.Id] = node;
        parent.Children[name] = node;
        parent.Listing.Add((Encoding.UTF8.GetBytes(name), node));
        return node;
    }

    public TestNode AddFile(string name, byte[] content) => Add(Root, name, FuseMode.Regular | 0x124, content);

    public void Init(IFuseConnection connection) => Connection = connection;

    public void Destroy() => Destroyed.SetResult();

    public void Dispose()
    {
    }

    public FuseReply Lookup(in FuseRequest request, ReadOnlySpan<byte> name)
    {
        if (OnAny is not null)
        {
            return OnAny(in request);
        }

        if (Node(in request) is not { } parent
            || !parent.Children.TryGetValue(Encoding.UTF8.GetString(name), out var node))
        {
            return request.NoEntry(Validity);
        }

        node.AddLookups(1);
        return request.Entry(Entry(node));
    }

    public void Forget(ulong nodeId, ulong lookupCount)
    {
        if (_nodes.TryGetValue(nodeId, out var node))
        {
            node.AddLookups(-(long)lookupCount);
        }
    }

    public void ForgetMany(ReadOnlySpan<FuseForgetOne> forgets)
    {
        foreach (ref readonly var forget in forgets)
        {
            Forget(forget.NodeId, forget.LookupCount);
        }
    }

    public FuseReply GetAttr(in FuseRequest request, in FuseGetAttrIn arguments)
    {
        if ((OnAny ?? OnGetAttr) is { } handler)
        {
            return handler(in request);
        }

        return Node(in request) is { } node
            ? request.Attributes(FuseAttributesOut.Create(Attributes(node), Validity))
            : FuseReply.Error(Errno.Stale);
    }

    public FuseReply ReadLink(in FuseRequest request) => OnAny is not null ? OnAny(in request)
        : Node(in request) is { } node ? request.Data(node.Content) : FuseReply.Error(Errno.Stale);

    public FuseReply Open(in FuseRequest request, in FuseOpenIn arguments) =>
        (OnAny ?? OnOpen) is { } handler ? handler(in request)
        : request.Opened(new FuseOpenOut { Handle = request.NodeId, Flags = FileFlags, BackingId = BackingId });

    public FuseReply Read(in FuseRequest request, in FuseReadIn arguments)
    {
        if (OnAny is not null)
        {
            return OnAny(in request);
        }

        if (Node(in request) is not { } node)
        {
            return FuseReply.Error(Errno.Stale);
        }

        if (OnRead is not null)
        {
            return OnRead(in request, arguments, node);
        }

        var slice = Slice(node, in arguments);
        slice.CopyTo(request.ReplyBuffer);
        return request.Filled(slice.Length);
    }

    public FuseReply Release(in FuseRequest request, in FuseReleaseIn arguments)
    {
        Interlocked.Increment(ref Releases);
        return OnAny is not null ? OnAny(in request) : FuseReply.Ok;
    }

    public FuseReply OpenDir(in FuseRequest request, in FuseOpenIn arguments) =>
        OnAny is not null ? OnAny(in request) : request.Opened(default);

    public FuseReply ReadDir(in FuseRequest request, in FuseReadIn arguments) =>
        OnAny is not null ? OnAny(in request) : List(in request, in arguments, plus: false);

    public FuseReply ReadDirPlus(in FuseRequest request, in FuseReadIn arguments) =>
        OnAny is not null ? OnAny(in request) : List(in request, in arguments, plus: true);

    public FuseReply ReleaseDir(in FuseRequest request, in FuseReleaseIn arguments) =>
        OnAny is not null ? OnAny(in request) : FuseReply.Ok;

    public FuseReply StatFs(in FuseRequest request) => OnAny is not null ? OnAny(in request)
        : request.StatFs(new FuseStatFsOut { BlockSizeBytes = 4096, FragmentSizeBytes = 4096, Blocks = 77 });

    public FuseReply Access(in FuseRequest request, in FuseAccessIn arguments) =>
        OnAny is not null ? OnAny(in request) : FuseReply.Ok;

    public FuseReply GetXAttr(in FuseRequest request, ReadOnlySpan<byte> name, in FuseXAttrIn arguments)
    {
        if ((OnAny ?? OnXAttr) is { } handler)
        {
            return handler(in request);
        }

        return name.SequenceEqual("user.test"u8)
            ? request.XAttr("value"u8, in arguments)
            : FuseReply.Error(Errno.NoData);
    }

    public FuseReply ListXAttr(in FuseRequest request, in FuseXAttrIn arguments) =>
        OnAny is not null ? OnAny(in request) : request.XAttr("user.test\0"u8, in arguments);

    public static ReadOnlySpan<byte> Slice(TestNode node, in FuseReadIn arguments)
    {
        var start = (int)Math.Min(arguments.Offset, (ulong)node.Content.Length);
        return node.Content.AsSpan(start, (int)Math.Min(arguments.SizeBytes, (uint)(node.Content.Length - start)));
    }

    public static FuseAttributes Attributes(TestNode node) => new()
    {
        Inode = node.Id,
        Mode = node.Mode,
        LinkCount = 1,
        SizeBytes = (ulong)node.Content.Length,
        Blocks = (ulong)(node.Content.Length + 511) / 512,
        BlockSizeBytes = 4096,
    };

    private FuseEntryOut Entry(TestNode node) => FuseEntryOut.Create(node.Id, Attributes(node), Validity, Validity);

    private TestNode? Node(in FuseRequest request) => _nodes.GetValueOrDefault(request.NodeId);

    private FuseReply List(in FuseRequest request, in FuseReadIn arguments, bool plus)
    {
        if (Node(in request) is not { } directory)
        {
            return FuseReply.Error(Errno.Stale);
        }

        var writer = request.Directory(in arguments);
        for (var index = (int)arguments.Offset; index < directory.Listing.Count; index++)
        {
            var (name, node) = directory.Listing[index];
            var fits = plus
                ? writer.TryAddPlus(name, Entry(node), (ulong)index + 1)
                : writer.TryAdd(name, node.Id, node.Mode, (ulong)index + 1);
            if (!fits)
            {
                break;
            }

            node.AddLookups(plus ? 1 : 0);
        }

        return request.Filled(writer.UsedBytes);
    }
}
