using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Session;

public sealed unsafe class FuseDispatcherTests : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly AnonymousMemory _memory = new(BufferBytes);
    private readonly RecordingSink _sink = new();
    private readonly FusePendingTable _pending =
        new(100, new FuseCounters(TimeProvider.System), NullLogger.Instance, static _ => true);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Any_opcode_with_any_body_gets_a_reply_the_kernel_takes() =>
        Prop.ForAll<byte, byte[]>((opcode, body) =>
        {
            var bytes = FuseMessageTests.Message((FuseOpcode)(opcode % 60), body ?? [], 0);
            var reply = Dispatch(new TestFileSystem(), bytes);
            return IsSound(reply, bytes);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_the_file_system_returns_the_kernel_gets_something_it_takes() =>
        Prop.ForAll<byte, ushort, byte>((opcode, length, way) =>
        {
            var bytes = FuseMessageTests.Message((FuseOpcode)(opcode % 60), ReadBody(1000), 0);
            using var fileSystem = new TestFileSystem
            {
                OnAny = (in FuseRequest request) => Misbehave(in request, length, way % 5),
            };
            return IsSound(Dispatch(fileSystem, bytes), bytes) && _pending.Count == 0;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(FuseOpcode.Write, Errno.ReadOnlyFileSystem)]
    [InlineData(FuseOpcode.Create, Errno.ReadOnlyFileSystem)]
    [InlineData(FuseOpcode.SetAttr, Errno.ReadOnlyFileSystem)]
    [InlineData(FuseOpcode.Rename2, Errno.ReadOnlyFileSystem)]
    [InlineData(FuseOpcode.Flush, Errno.NotImplemented)]
    [InlineData(FuseOpcode.Statx, Errno.NotImplemented)]
    [InlineData((FuseOpcode)999, Errno.NotImplemented)]
    internal void What_is_not_served_says_why(FuseOpcode opcode, Errno expected)
    {
        using var fileSystem = new TestFileSystem();
        var reply = Dispatch(fileSystem, FuseMessageTests.Message(opcode, default, 0));
        Assert.Equal((FuseReplyKind.Error, expected), (reply.Kind, reply.ErrorNumber));
    }

    [Fact]
    public void An_interrupt_that_comes_before_the_deferral_still_ends_the_request()
    {
        var bytes = FuseMessageTests.Message(FuseOpcode.Read, ReadBody(10), 0);
        FuseRequestContext? context = null;
        FuseReplyToken token = default;
        using var fileSystem = new TestFileSystem
        {
            OnAny = (in FuseRequest request) =>
            {
                Assert.True(context!.TryMarkInterrupted(10));
                token = request.Defer();
                return FuseReply.Deferred;
            },
        };
        Dispatch(fileSystem, bytes, made => context = made);
        Assert.False(token.IsPending);
        Assert.Equal(-(int)Errno.Interrupted, Assert.Single(_sink.Replies).Header.Error);
    }

    [Fact]
    public void A_mark_for_an_earlier_request_does_not_touch_the_next()
    {
        var context = new FuseRequestContext(_sink, _pending, _memory.Address, BufferBytes);
        var bytes = FuseMessageTests.Message(FuseOpcode.Read, ReadBody(10), 0);
        Begin(context, bytes);
        Assert.False(context.TryMarkInterrupted(8));
        Assert.True(context.TryMarkInterrupted(10));
        MemoryMarshal.AsRef<FuseInHeader>(bytes.AsSpan()).Unique = 12;
        Begin(context, bytes);
        Assert.True(context.Defer(in MemoryMarshal.AsRef<FuseInHeader>(bytes)).IsPending);
    }

    private static void Begin(FuseRequestContext context, byte[] bytes)
    {
        Assert.True(FuseMessage.TryParse(bytes, out var message));
        context.Begin(in message, 0);
    }

    private static FuseReply Misbehave(in FuseRequest request, int length, int way)
    {
        switch (way)
        {
            case 0:
                return request.Filled(length % BufferBytes);
            case 1:
                return default;
            case 2:
                request.Defer();
                return FuseReply.Ok;
            case 3:
                return FuseReply.Deferred;
            default:
                request.Defer();
                throw new InvalidOperationException("A file system that fails after deferring.");
        }
    }

    /// <summary>A deferred reply has been answered by the dispatcher here, because the file system forgot it.</summary>
    private bool IsSound(FuseReply reply, byte[] bytes)
    {
        Assert.True(FuseMessage.TryParse(bytes, out var message));
        return reply.Kind switch
        {
            FuseReplyKind.Error => reply.ErrorNumber is > Errno.None and < (Errno)512,
            FuseReplyKind.Deferred => _sink.Replies.TryDequeue(out var sent) && sent.Header.Error != 0,
            FuseReplyKind.Missing => false,
            _ => FuseReplyRules.Allows(
                message.Header.Opcode, FuseReplyRules.AskedBytes(message.Header.Opcode, message.Body),
                reply.LengthBytes),
        };
    }

    private FuseReply Dispatch(
        IFuseFileSystem fileSystem, byte[] bytes, Action<FuseRequestContext>? made = null)
    {
        var context = new FuseRequestContext(_sink, _pending, _memory.Address, BufferBytes);
        made?.Invoke(context);
        Assert.True(FuseMessage.TryParse(bytes, out var message));
        context.Begin(in message, TimeProvider.System.GetTimestamp());
        return new FuseDispatcher(fileSystem, NullLogger.Instance).Dispatch(context, in message);
    }

    private static byte[] ReadBody(uint sizeBytes)
    {
        var body = new byte[Unsafe.SizeOf<FuseReadIn>()];
        MemoryMarshal.Write(body, new FuseReadIn { SizeBytes = sizeBytes });
        return body;
    }
}
