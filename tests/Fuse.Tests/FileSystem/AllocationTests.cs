using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>The handler as a session thread calls it, without a kernel.</summary>
public sealed unsafe class AllocationTests : IDisposable
{
    private const int CapacityBytes = 1 << 20;

    private readonly FakeNamespace _view = new();
    private readonly OcacheFileSystem _fileSystem;
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(CapacityBytes, 4096);
    private readonly FuseRequestContext _context;

    public AllocationTests()
    {
        _view.AddFile("/warm", 1 << 20);
        var root = new NodeOutcome(ReadStatus.Ok, new NodeEntry("/", null, "", _view.Root.EntryNamed("")), _view.Lease);
        _fileSystem = new OcacheFileSystem(
            _view, new FakeOpener(), root, new FileSystemOptions(), TimeProvider.System, NullLogger.Instance);
        _context = new FuseRequestContext(
            new NoSink(), new FusePendingTable(16, new FuseCounters(TimeProvider.System), NullLogger.Instance, static _ => false),
            _memory, CapacityBytes);
    }

    public void Dispose()
    {
        _fileSystem.Destroy();
        NativeMemory.AlignedFree(_memory);
    }

    /// <summary>docs/SEMANTICS.md 3.3.</summary>
    [Fact]
    public void A_warm_read_allocates_nothing_and_asks_nobody()
    {
        var node = Node("warm"u8);
        var handle = Open(node);
        var arguments = new FuseReadIn { Handle = handle, SizeBytes = 128 * 1024 };
        ReadMany(node, in arguments, 5000); // Until the code is compiled for good.
        var calls = _view.Calls;
        var before = GC.GetAllocatedBytesForCurrentThread();
        ReadMany(node, in arguments, 1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(calls, _view.Calls);
    }

    [Fact]
    public void Attributes_under_a_lease_allocate_nothing_and_ask_nobody()
    {
        var node = Node("warm"u8);
        GetAttributes(node, 5000);
        var calls = _view.Calls;
        var before = GC.GetAllocatedBytesForCurrentThread();
        GetAttributes(node, 1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(calls, _view.Calls);
    }

    [Fact]
    public void A_handle_that_is_not_the_nodes_is_refused()
    {
        var node = Node("warm"u8);
        var handle = Open(node);
        foreach (var (atNode, withHandle) in new[] { (node, handle + 1), (1UL, handle), (node, 0UL), (node, handle | 1UL << 40) })
        {
            var header = new FuseInHeader { Opcode = FuseOpcode.Read, NodeId = atNode, Unique = 2 };
            var reply = _fileSystem.Read(
                new FuseRequest(_context, in header), new FuseReadIn { Handle = withHandle, SizeBytes = 4096 });
            Assert.Equal(Linux.Errno.BadDescriptor, reply.ErrorNumber);
        }
    }

    private void ReadMany(ulong node, in FuseReadIn arguments, int count)
    {
        var header = new FuseInHeader { Opcode = FuseOpcode.Read, NodeId = node, Unique = 2 };
        for (var index = 0; index < count; index++)
        {
            var reply = _fileSystem.Read(new FuseRequest(_context, in header), in arguments);
            if (reply.Kind != FuseReplyKind.Buffer || reply.LengthBytes != 128 * 1024)
            {
                Assert.Fail($"{reply.Kind} with {reply.LengthBytes} bytes");
            }
        }
    }

    private void GetAttributes(ulong node, int count)
    {
        var header = new FuseInHeader { Opcode = FuseOpcode.GetAttr, NodeId = node, Unique = 2 };
        for (var index = 0; index < count; index++)
        {
            if (_fileSystem.GetAttr(new FuseRequest(_context, in header), default).Kind != FuseReplyKind.Buffer)
            {
                Assert.Fail("no attributes");
            }
        }
    }

    private ulong Node(ReadOnlySpan<byte> name)
    {
        var header = new FuseInHeader { Opcode = FuseOpcode.Lookup, NodeId = 1, Unique = 2 };
        Assert.Equal(FuseReplyKind.Buffer, _fileSystem.Lookup(new FuseRequest(_context, in header), name).Kind);
        return MemoryMarshal.Read<FuseEntryOut>(_context.ReplyBuffer).NodeId;
    }

    private ulong Open(ulong node)
    {
        var header = new FuseInHeader { Opcode = FuseOpcode.Open, NodeId = node, Unique = 2 };
        Assert.Equal(FuseReplyKind.Buffer, _fileSystem.Open(new FuseRequest(_context, in header), default).Kind);
        return MemoryMarshal.Read<FuseOpenOut>(_context.ReplyBuffer).Handle;
    }

    private sealed class NoSink : IFuseReplySink
    {
        public bool Send(in FuseOutHeader header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) =>
            throw new InvalidOperationException("nothing is deferred here");
    }
}
