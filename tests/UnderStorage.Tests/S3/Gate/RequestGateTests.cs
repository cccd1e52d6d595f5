using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class RequestGateTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Who_comes_first_goes_first_and_the_limit_holds()
    {
        using var gate = Gate(concurrency: 2);
        var (one, two) = (await EnterAsync(gate), await EnterAsync(gate));
        var waiting = Enumerable.Range(0, 5).Select(_ => EnterAsync(gate)).ToList();
        Assert.Equal((2, 5), (gate.InFlight, gate.Waiting));
        Assert.All(waiting, one => Assert.False(one.IsCompleted));
        var held = new Queue<GatePass>([one, two]);
        for (var i = 0; i < waiting.Count; i++)
        {
            gate.Leave(held.Dequeue(), S3Verdict.Ok);
            held.Enqueue(await waiting[i].WaitAsync(S3Source.Soon));
            Assert.Equal(2, gate.InFlight);
            Assert.DoesNotContain(waiting[(i + 1)..], later => later.IsCompleted);
        }
    }

    [Fact]
    public async Task Metadata_does_not_wait_behind_reads()
    {
        using var gate = Gate(concurrency: 1);
        await EnterAsync(gate);
        var read = EnterAsync(gate);
        Assert.True(EnterAsync(gate, GateLane.Metadata).IsCompleted);
        Assert.False(read.IsCompleted);
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_queue_and_holds_nothing()
    {
        using var gate = Gate(concurrency: 1);
        var pass = await EnterAsync(gate);
        using var patience = new CancellationTokenSource();
        var impatient = gate.EnterAsync(GateLane.Reads, 1, patience.Token).AsTask();
        var patient = EnterAsync(gate);
        await patience.CancelAsync();
        Assert.Equal(GateAnswer.Cancelled, (await impatient.WaitAsync(S3Source.Soon)).Answer);
        Assert.Equal(1, gate.Waiting);
        gate.Leave(pass, S3Verdict.Ok);
        Assert.Equal(GateAnswer.Go, (await patient.WaitAsync(S3Source.Soon)).Answer);
        Assert.Equal((1, 0), (gate.InFlight, gate.Waiting));
    }

    [Fact]
    public async Task The_queue_is_bounded()
    {
        using var gate = Gate(concurrency: 1);
        await EnterAsync(gate);
        var waiting = Enumerable.Range(0, RequestGate.MaxWaiting).Select(_ => EnterAsync(gate)).ToList();
        Assert.Equal(GateAnswer.Full, (await EnterAsync(gate)).Answer);
        gate.Dispose();
        Assert.All(await Task.WhenAll(waiting), pass => Assert.Equal(GateAnswer.Cancelled, pass.Answer));
        Assert.Equal(GateAnswer.Cancelled, (await EnterAsync(gate)).Answer);
    }

    [Fact]
    public async Task Requests_a_second_stay_within_the_bucket()
    {
        using var gate = Gate(requestsPerSecond: 10, concurrency: 1000);
        var waiting = Enumerable.Range(0, 100).Select(_ => EnterAsync(gate, GateLane.Metadata)).ToList();
        var sent = 0;
        for (var second = 1; second <= 5; second++)
        {
            for (var i = 0; i < 100; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
                sent += await LeaveAsync(gate, waiting);
            }

            Assert.InRange(sent, (second * 10) - 2, (second * 10) + 3);
        }
    }

    [Fact]
    public async Task Bytes_a_second_are_paid_for_afterwards()
    {
        using var gate = Gate(bytesPerSecond: 1000, concurrency: 1000);
        var waiting = Enumerable.Range(0, 10).Select(_ => gate.EnterAsync(GateLane.Reads, 2000, default).AsTask()).ToList();
        Assert.Equal(1, gate.InFlight); // larger than the bucket, and goes all the same
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(1, gate.InFlight);
        _time.Advance(TimeSpan.FromSeconds(2.5));
        Assert.InRange(gate.InFlight, 2, 3);
        Assert.All((await CompletedAsync(gate, waiting)), one => Assert.True(one.IsCompletedSuccessfully));
        Assert.True(EnterAsync(gate, GateLane.Metadata).IsCompleted); // asks for no bytes
    }

    [Fact]
    public async Task Bytes_that_did_not_come_are_given_back()
    {
        using var gate = Gate(bytesPerSecond: 1000);
        var pass = await gate.EnterAsync(GateLane.Reads, 1_000_000, default);
        gate.Leave(pass, S3Verdict.Unreachable, null, unusedBytes: 1_000_000);
        Assert.True(EnterAsync(gate).IsCompleted);
    }

    [Fact]
    public async Task A_store_that_is_away_is_asked_by_one_at_a_time_and_then_by_few()
    {
        var changes = new List<bool>();
        using var gate = new RequestGate(double.PositiveInfinity, double.PositiveInfinity, 64, _time, new Random(1)) { AwayChanged = changes.Add };
        for (var i = 0; i < Circuit.FailuresToOpen; i++)
        {
            gate.Leave(await EnterAsync(gate), S3Verdict.Unreachable);
        }

        Assert.True(gate.IsAway);
        var waiting = Enumerable.Range(0, 1000).Select(_ => EnterAsync(gate)).ToList();
        Assert.All(waiting, one => Assert.False(one.IsCompleted));
        var probes = 0;
        for (var ms = 0; ms < 60_000; ms += 50)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            Assert.InRange(gate.InFlight, 0, 1);
            foreach (var one in await CompletedAsync(gate, waiting))
            {
                probes++;
                waiting.Remove(one);
                gate.Leave(await one, S3Verdict.Unreachable);
            }
        }

        Assert.InRange(probes, 30, 90); // a minute at 1 to 2 s, and some quicker ones
        _time.Advance(TimeSpan.FromSeconds(3));
        var back = await Assert.Single(await CompletedAsync(gate, waiting));
        gate.Leave(back, S3Verdict.Ok, TimeSpan.FromMilliseconds(10));
        Assert.False(gate.IsAway);
        Assert.InRange(gate.InFlight, 1, 4); // and not the thousand that wait
        Assert.Equal([true, false], changes);
    }

    [Fact]
    public async Task The_first_bytes_of_a_read_say_that_the_store_is_back()
    {
        var changes = new List<bool>();
        using var gate = new RequestGate(double.PositiveInfinity, double.PositiveInfinity, 64, _time, new Random(1)) { AwayChanged = changes.Add };
        for (var i = 0; i < Circuit.FailuresToOpen; i++)
        {
            gate.Leave(await EnterAsync(gate), S3Verdict.Unreachable);
        }

        _time.Advance(TimeSpan.FromSeconds(3));
        var read = await EnterAsync(gate).WaitAsync(S3Source.Soon);
        Assert.True(read.IsProbe);
        var stat = EnterAsync(gate, GateLane.Metadata);
        Assert.False(stat.IsCompleted);
        gate.Answered(read); // and its other bytes may take an hour
        Assert.Equal(GateAnswer.Go, (await stat.WaitAsync(S3Source.Soon)).Answer);
        Assert.False(gate.IsAway);
        gate.Leave(read, S3Verdict.Ok);
        Assert.Equal((1, false), (gate.InFlight, gate.IsAway));
        Assert.Equal([true, false], changes);
    }

    [Fact]
    public async Task One_object_that_always_fails_does_not_close_the_gate_to_others()
    {
        using var gate = Gate();
        for (var i = 0; i < 100; i++)
        {
            gate.Leave(await EnterAsync(gate), i % 2 == 0 ? S3Verdict.Failed : S3Verdict.Ok);
        }

        Assert.False(gate.IsAway);
    }

    /// <summary>Giving up, being let in and being refused at the same time, on many threads: nobody is forgotten and no pass is lost.</summary>
    [Fact]
    public async Task Whoever_gives_up_when_takes_no_pass_and_no_wake_up_with_him()
    {
        using var gate = new RequestGate(20_000, double.PositiveInfinity, 3, TimeProvider.System, new Random(1));
        var passes = 0;
        async Task AskAgainAndAgainAsync(int seed)
        {
            var random = new Random(seed);
            for (var i = 0; i < 500; i++)
            {
                using var patience = new CancellationTokenSource();
                var lane = random.Next(4) == 0 ? GateLane.Metadata : GateLane.Reads;
                var entering = gate.EnterAsync(lane, 100, patience.Token).AsTask();
                if (random.Next(2) == 0)
                {
                    await Task.Yield();
                    await patience.CancelAsync();
                }

                var pass = await entering;
                if (pass.Answer == GateAnswer.Go)
                {
                    Interlocked.Increment(ref passes);
                    await Task.Yield();
                    gate.Leave(pass, random.Next(50) == 0 ? S3Verdict.Throttled : S3Verdict.Ok, TimeSpan.FromMilliseconds(1), random.Next(100));
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 16).Select(seed => Task.Run(() => AskAgainAndAgainAsync(seed)))).WaitAsync(S3Source.Soon);
        Assert.Equal((0, 0), (gate.InFlight, gate.Waiting));
        Assert.InRange(passes, 4000 - 600, 8000); // whoever did not give up, half of 8000, has had one
    }

    [Fact]
    public void Who_need_not_wait_costs_no_memory()
    {
        using var gate = Gate();
        for (var warm = 0; warm < 100; warm++)
        {
            EnterAndLeave(gate);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            EnterAndLeave(gate);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 999); // nothing for each
    }

    private static Task<GatePass> EnterAsync(RequestGate gate, GateLane lane = GateLane.Reads) =>
        gate.EnterAsync(lane, 1, CancellationToken.None).AsTask();

    private static void EnterAndLeave(RequestGate gate)
    {
        var entering = gate.EnterAsync(GateLane.Reads, 10, CancellationToken.None);
        if (!entering.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("it waits");
        }

        gate.Leave(entering.Result, S3Verdict.Ok, TimeSpan.FromMilliseconds(1));
    }

    private static async Task<int> LeaveAsync(RequestGate gate, List<Task<GatePass>> waiting)
    {
        var gone = await CompletedAsync(gate, waiting);
        foreach (var one in gone)
        {
            waiting.Remove(one);
            gate.Leave(await one, S3Verdict.Ok);
        }

        return gone.Count;
    }

    /// <summary>Those the gate let in: it is said to them on other threads.</summary>
    private static async Task<List<Task<GatePass>>> CompletedAsync(RequestGate gate, List<Task<GatePass>> waiting)
    {
        var soon = S3Source.Soon;
        while (waiting.Count(one => one.IsCompleted) != waiting.Count - gate.Waiting)
        {
            soon.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return [.. waiting.Where(one => one.IsCompleted)];
    }

    private RequestGate Gate(
        double requestsPerSecond = double.PositiveInfinity, double bytesPerSecond = double.PositiveInfinity, int concurrency = 64) =>
        new(requestsPerSecond, bytesPerSecond, concurrency, _time, new Random(1));
}
