using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Session;

public sealed class FuseReplyTokenTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly RecordingSink _sink = new();
    private readonly FuseCounters _counters = new(TimeProvider.System);

    [Fact]
    public void A_reply_carries_the_requests_number_and_both_pieces()
    {
        var token = Add(Table(), 42);
        Assert.True(token.IsPending);
        Assert.True(token.ReplyData("ab"u8, "cd"u8));
        Assert.False(token.IsPending);
        var (header, data) = Assert.Single(_sink.Replies);
        Assert.Equal((42ul, 20u, 0), (header.Unique, header.LengthBytes, header.Error));
        Assert.Equal("abcd"u8.ToArray(), data);
    }

    [Fact]
    public void Interrupt_and_answer_race_to_exactly_one_reply()
    {
        const int Rounds = 3000;
        var table = Table();
        var interrupted = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            var token = Add(table, (ulong)round);
            var byFileSystem = false;
            var bySession = false;
            var unique = (ulong)round;
            Parallel.Invoke(
                () => byFileSystem = token.ReplyData("x"u8),
                () => bySession = table.Interrupt(unique));
            Assert.True(byFileSystem ^ bySession, $"round {round}: file system {byFileSystem}, session {bySession}");
            interrupted += bySession ? 1 : 0;
        }

        Assert.Equal(Rounds, _sink.Replies.Count);
        Assert.Equal(interrupted, _sink.Replies.Count(reply => reply.Header.Error == -(int)Errno.Interrupted));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task Interrupt_cancels_the_work_and_answers_EINTR()
    {
        var table = Table();
        var token = Add(table, 5);
        var cancelled = new TaskCompletionSource();
        using var registration = token.Cancellation.Register(cancelled.SetResult);
        Assert.True(table.Interrupt(5));
        await cancelled.Task.WaitAsync(Limit);
        Assert.False(token.ReplyError(Errno.InputOutput));
        Assert.Equal(-(int)Errno.Interrupted, Assert.Single(_sink.Replies).Header.Error);
        Assert.True(token.Cancellation.IsCancellationRequested);
    }

    [Fact]
    public void A_token_of_an_earlier_request_cannot_answer_a_later_one()
    {
        var table = Table();
        var first = Add(table, 1);
        Assert.True(table.Interrupt(1));
        var second = Add(table, 2); // Takes the pooled state of the first.
        Assert.False(first.ReplyData("late"u8));
        Assert.True(first.Cancellation.IsCancellationRequested);
        Assert.False(second.Cancellation.IsCancellationRequested);
        Assert.True(second.ReplyData("good"u8));
        Assert.Equal([1ul, 2ul], _sink.Replies.Select(reply => reply.Header.Unique));
    }

    [Fact]
    public void Close_ends_all_and_whatever_comes_later()
    {
        var table = Table();
        var tokens = Enumerable.Range(1, 50).Select(unique => Add(table, (ulong)unique)).ToList();
        table.Close();
        Assert.All(tokens, token => Assert.False(token.IsPending));
        Assert.False(Add(table, 99).IsPending);
        Assert.Equal(51, _sink.Replies.Count);
        Assert.All(_sink.Replies, reply => Assert.Equal(-(int)Errno.ConnectionAborted, reply.Header.Error));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task At_the_bound_a_request_waits_for_another_to_be_answered()
    {
        var table = Table(requestsMax: 2);
        var first = Add(table, 1);
        Add(table, 2);
        var third = Task.Factory.StartNew(() => Add(table, 3), TaskCreationOptions.LongRunning);
        await Task.WhenAny(third, Task.Delay(TimeSpan.FromMilliseconds(100)));
        Assert.False(third.IsCompleted, "the bound did not hold");
        Assert.True(first.ReplyData("x"u8));
        Assert.True((await third.WaitAsync(Limit)).IsPending);
    }

    [Fact]
    public void A_reply_longer_than_asked_becomes_EIO()
    {
        var token = Add(Table(), 1, askedBytes: 3);
        Assert.True(token.ReplyData("four"u8));
        var (header, data) = Assert.Single(_sink.Replies);
        Assert.Equal((-(int)Errno.InputOutput, 16u), (header.Error, header.LengthBytes));
        Assert.Empty(data);
    }

    [Fact]
    public void Deferred_requests_are_counted_by_opcode()
    {
        var table = Table();
        Add(table, 1).ReplyData("x"u8);
        Add(table, 2).ReplyError(Errno.InputOutput);
        var statistics = new FuseStatistics();
        _counters.AddTo(statistics);
        var read = statistics.ByOpcode[FuseOpcode.Read];
        Assert.Equal((2L, 1L, 2L), (read.Requests, read.Failures, read.LatencyBuckets.Sum()));
    }

    private FusePendingTable Table(int requestsMax = 100) => new(requestsMax, _counters, NullLogger.Instance);

    private FuseReplyToken Add(FusePendingTable table, ulong unique, uint askedBytes = 4096)
    {
        var header = new FuseInHeader { Unique = unique, Opcode = FuseOpcode.Read };
        return table.Add(_sink, in header, askedBytes, TimeProvider.System.GetTimestamp());
    }
}
