using System.Text;
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
    private bool _isEnding = true;

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
    public void A_signal_that_ends_nobody_does_not_end_the_request_and_a_later_kill_is_found()
    {
        _isEnding = false;
        var table = Table();
        var token = Add(table, 5);
        Assert.True(table.Interrupt(5));
        table.InterruptEnding();
        Assert.True(token.IsPending);
        Assert.Empty(_sink.Replies);
        _isEnding = true;
        table.InterruptEnding();
        Assert.False(token.IsPending);
        Assert.Equal(-(int)Errno.Interrupted, Assert.Single(_sink.Replies).Header.Error);
    }

    [Fact]
    public void Of_many_waiting_threads_every_one_that_ends_is_found_after_some_visits()
    {
        const uint Threads = 1000;
        var table = new FusePendingTable(2000, _counters, NullLogger.Instance, static thread => thread % 2 == 0);
        for (var thread = 1u; thread <= Threads; thread++)
        {
            var header = new FuseInHeader { Unique = thread, Opcode = FuseOpcode.Read, Pid = thread };
            table.Add(_sink, in header, 4096, 0);
        }

        for (var visit = 0; visit < 20; visit++)
        {
            table.InterruptEnding();
        }

        Assert.Equal(Threads / 2, (uint)table.Count);
        Assert.All(_sink.Replies, reply => Assert.Equal(0ul, reply.Header.Unique % 2));
    }

    [Theory]
    [InlineData("0", "0", "0", "0", false)]
    [InlineData("100", "0", "0", "0", true)] // SIGKILL, also what a fatal SIGTERM or SIGINT becomes.
    [InlineData("0", "2000", "0", "2000", false)] // SIGALRM with a handler.
    [InlineData("4000000", "400000", "0", "4400000", false)] // SIGPROF, SIGURG.
    [InlineData("0", "4", "0", "0", true)] // SIGQUIT without one.
    [InlineData("0", "4", "0", "4", false)]
    [InlineData("0", "4", "4", "0", false)]
    [InlineData("0", "80000", "0", "0", false)] // SIGTSTP stops, it does not end.
    public void A_thread_ends_by_what_is_pending_and_neither_handled_nor_blocked(
        string own, string shared, string blocked, string handled, bool ends)
    {
        static string Mask(string digits) => digits.PadLeft(16, '0');
        var status = $"Name:\tx\nSigQ:\t0/1\nSigPnd:\t{Mask(own)}\nShdPnd:\t{Mask(shared)}\nSigBlk:\t{Mask(blocked)}\n"
            + $"SigIgn:\t{Mask("0")}\nSigCgt:\t{Mask(handled)}\nCapInh:\t{Mask("0")}\n";
        Assert.Equal(ends, CallingThread.IsEnding(Encoding.ASCII.GetBytes(status)));
        Assert.False(CallingThread.IsEnding(Encoding.ASCII.GetBytes(status[..20])));
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

    private FusePendingTable Table(int requestsMax = 100) => new(requestsMax, _counters, NullLogger.Instance, _ => _isEnding);

    private FuseReplyToken Add(FusePendingTable table, ulong unique, uint askedBytes = 4096)
    {
        var header = new FuseInHeader { Unique = unique, Opcode = FuseOpcode.Read };
        return table.Add(_sink, in header, askedBytes, TimeProvider.System.GetTimestamp());
    }
}
