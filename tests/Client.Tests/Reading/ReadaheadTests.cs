using System.Diagnostics.Metrics;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Reading;

namespace OrleansCache.Client.Tests.Reading;

public sealed class ReadaheadTests
{
    private const int Block = 4 << 20;
    private const int MiB = 1 << 20;
    private const long Length = 1L << 30;

    [Fact]
    public void A_sequential_reader_asks_for_what_lies_beyond_its_block()
    {
        var readahead = Make();
        var plan = readahead.OnMiss(0, MiB);
        Assert.Equal((Block, Block, Block), (plan.EnsureEnd, plan.PrefetchFrom, plan.PrefetchLength));
        Assert.Equal(0, readahead.OnMiss(MiB, MiB).PrefetchLength);
    }

    [Fact]
    public void The_window_doubles_while_the_reader_waits_up_to_its_limit()
    {
        var budget = new ReadaheadBudget(1L << 30);
        var readahead = Make(budget, maxWindow: 8 << 20);
        var plan = readahead.OnMiss(0, MiB);
        readahead.OnWaited(plan);
        Assert.Equal(2 * Readahead.FirstWindowBytes, readahead.WindowBytes);
        for (var i = 0; i < 10; i++)
        {
            readahead.OnWaited(plan);
        }

        Assert.Equal(8 << 20, readahead.WindowBytes);
        Assert.Equal(readahead.WindowBytes, budget.UsedBytes);
        readahead.Close();
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void A_reader_of_arriving_bytes_keeps_more_than_half_of_its_window_asked_for()
    {
        var readahead = Make(maxWindow: 32 << 20);
        var asked = 0L;
        for (var at = 0L; at < Length / 2; at += MiB)
        {
            var plan = readahead.OnMiss(at, MiB);
            readahead.OnWaited(plan);
            asked = Math.Max(asked, plan.PrefetchFrom + plan.PrefetchLength);
            if (at > 64 * MiB)
            {
                Assert.InRange(asked - at, 16 * MiB, (32 * MiB) + (2 * Block));
            }
        }
    }

    [Fact]
    public void A_reader_that_never_waits_refills_its_window_too()
    {
        var readahead = Make();
        var asked = readahead.OnMiss(0, MiB) is { } first ? first.PrefetchFrom + first.PrefetchLength : 0;
        var requests = 0;
        for (var at = (long)MiB; at < 100 * MiB; at += 64 * 1024)
        {
            if (readahead.OnWarmRead(at, 64 * 1024) && readahead.TryRefill(at, 64 * 1024, out var plan))
            {
                Assert.Equal(asked, plan.PrefetchFrom);
                asked = plan.PrefetchFrom + plan.PrefetchLength;
                requests++;
            }

            Assert.True(asked > at + (64 * 1024), $"the reader at {at} has caught up with what was asked for");
        }

        Assert.InRange(requests, 10, 60);
    }

    [Fact]
    public void A_random_reader_gets_nothing_and_comes_back_when_sequential()
    {
        var budget = new ReadaheadBudget(1L << 30);
        var readahead = Make(budget);
        readahead.OnMiss(0, 4096);
        Assert.True(budget.UsedBytes > 0);
        foreach (var far in (int[])[500, 100, 900, 300])
        {
            var plan = readahead.OnMiss(far * (long)MiB, 4096);
            Assert.Equal(((far * (long)MiB) + 4096, 0), (plan.EnsureEnd, plan.PrefetchLength));
        }

        Assert.Equal((0, 0), (readahead.WindowBytes, budget.UsedBytes));
        Assert.Equal(0, readahead.OnMiss((300 * MiB) + 4096, 4096).PrefetchLength); // once may be chance
        Assert.True(readahead.OnMiss((300 * MiB) + 8192, 4096).PrefetchLength > 0);
    }

    [Fact]
    public void Random_reads_of_a_large_file_ask_for_little()
    {
        var budget = new ReadaheadBudget(1L << 30);
        var readahead = Make(budget);
        var random = new Random(20261122);
        for (var i = 0; i < 10_000; i++)
        {
            readahead.OnWaited(readahead.OnMiss(random.NextInt64(Length - 4096), 4096));
        }

        // Read: 10,000 blocks of 4 MiB are touched. Ahead of that: next to nothing.
        Assert.InRange(budget.AskedBytes, 0, 10_000L * Block / 100);
    }

    [Fact]
    public void Requests_out_of_order_are_still_a_sequence()
    {
        var readahead = Make();
        foreach (var piece in (int[])[0, 2, 1, 4, 3, 6, 5])
        {
            readahead.OnMiss(piece * 128 * 1024, 128 * 1024);
        }

        Assert.Equal([Readahead.FirstWindowBytes], readahead.Windows);
        readahead.Close();
        readahead.Open();
        foreach (var piece in (int[])[1, 0, 3, 2, 5, 4, 7, 6])
        {
            readahead.OnMiss(piece * (long)MiB, MiB);
        }

        Assert.Equal([Readahead.FirstWindowBytes], readahead.Windows);
    }

    [Fact]
    public void Eight_interleaved_sequences_have_a_window_each()
    {
        var readahead = Make();
        for (var round = 0; round < 5; round++)
        {
            for (var reader = 0; reader < Readahead.CursorsMax; reader++)
            {
                var plan = readahead.OnMiss((reader * 128L * MiB) + (round * (long)MiB), MiB);
                readahead.OnWaited(plan);
                Assert.True(round < 3 || plan.EnsureEnd % Block == 0, "the block is wanted whole");
            }
        }

        Assert.Equal(Readahead.CursorsMax, readahead.Windows.Length);
        Assert.All(readahead.Windows, window => Assert.True(window > Readahead.FirstWindowBytes));
    }

    [Fact]
    public void A_ninth_sequence_takes_the_place_used_longest_ago()
    {
        var budget = new ReadaheadBudget(1L << 30);
        var readahead = Make(budget, length: 4 * Length);
        for (var reader = 0; reader < 20; reader++)
        {
            for (var round = 0; round < 4; round++)
            {
                readahead.OnMiss((reader * 128L * MiB) + (round * (long)MiB), MiB);
            }
        }

        Assert.Equal(Readahead.CursorsMax, readahead.Windows.Length);
        Assert.Equal(Readahead.CursorsMax * Readahead.FirstWindowBytes, budget.UsedBytes);
        Assert.True(budget.UnreadBytes > 0, "what the twelve had asked for and not reached is counted");
    }

    [Fact]
    public void A_striding_reader_is_recognised_by_its_regular_gap()
    {
        var readahead = Make();
        var plans = Enumerable.Range(0, 10).Select(i => readahead.OnMiss(i * 3L * MiB, 64 * 1024)).ToArray();
        Assert.True(plans[^1].Cursor!.WindowBytes > 0);
        Assert.Contains(plans[5..], plan => plan.PrefetchLength > 0);
    }

    [Fact]
    public void A_skip_or_two_forward_does_not_end_a_sequence()
    {
        var readahead = Make();
        readahead.OnMiss(0, MiB);
        readahead.OnMiss(10 * MiB, MiB);
        readahead.OnMiss(11 * MiB, MiB);
        readahead.OnMiss(25 * MiB, MiB);
        Assert.Single(readahead.Windows);
        Assert.True(readahead.OnMiss(26 * MiB, MiB).EnsureEnd == 28 * MiB);
    }

    [Fact]
    public void Where_warm_reads_have_led_to_the_next_miss_is_of_their_sequence()
    {
        var readahead = Make();
        readahead.OnWarmRead(300 * MiB, MiB);
        Assert.True(readahead.OnMiss(301 * MiB, MiB).PrefetchLength > 0);
    }

    [Fact]
    public void Without_budget_there_is_no_window_and_a_grown_one_shrinks()
    {
        var budget = new ReadaheadBudget(3 * Readahead.FirstWindowBytes);
        var first = Make(budget);
        var plan = first.OnMiss(0, 4096);
        first.OnWaited(plan);
        Assert.Equal(2 * Readahead.FirstWindowBytes, first.WindowBytes);
        first.OnWaited(plan);
        Assert.Equal(Readahead.FirstWindowBytes, first.WindowBytes);
        Assert.True(budget.TryReserve(2 * Readahead.FirstWindowBytes));
        var second = Make(budget);
        Assert.Equal(0, second.OnMiss(0, 4096).PrefetchLength);
    }

    [Fact]
    public void A_budget_that_refuses_takes_back_what_idle_cursors_hold()
    {
        var time = new ManualTime();
        var budget = new ReadaheadBudget(2 * Readahead.FirstWindowBytes, time);
        var (idle, busy, late) = (Make(budget), Make(budget), Make(budget));
        idle.OnMiss(0, MiB);
        busy.OnMiss(0, MiB);
        for (var second = 0; second < 8; second++)
        {
            busy.OnWarmRead(second * MiB, MiB);
            Assert.Equal(second == 7, late.OnMiss(second * (long)MiB, MiB).Cursor!.WindowBytes > 0 && idle.WindowBytes == 0);
            time.Advance(TimeSpan.FromSeconds(second == 6 ? 5 : 0.5));
        }

        Assert.Equal((0, Readahead.FirstWindowBytes), (idle.WindowBytes, busy.WindowBytes));
        idle.OnMiss(MiB, MiB);
        Assert.Equal(0, idle.WindowBytes); // All is in use: no window, no harm.
    }

    [Fact]
    public void What_was_asked_for_and_not_read_is_shown()
    {
        var budget = new ReadaheadBudget(1L << 30);
        using var meter = new Meter("OrleansCache.Client.Test");
        budget.Publish(meter);
        var shown = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                all.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => shown[instrument.Name] = value);
        listener.Start();
        var readahead = Make(budget);
        readahead.OnMiss(0, MiB);
        listener.RecordObservableInstruments();
        Assert.Equal((Block, 0), (shown["readahead.asked"], shown["readahead.unread"]));
        Assert.Equal(Readahead.FirstWindowBytes, shown["readahead.reserved"]);
        readahead.Close();
        listener.RecordObservableInstruments();
        Assert.Equal((Block, 0), (shown["readahead.unread"], shown["readahead.reserved"]));
    }

    [Fact]
    public void Nothing_is_asked_for_beyond_the_end()
    {
        var readahead = Make(length: Block + 10);
        var plan = readahead.OnMiss(0, MiB);
        Assert.Equal((Block, Block, 10), (plan.EnsureEnd, plan.PrefetchFrom, plan.PrefetchLength));
        plan = readahead.OnMiss(Block, MiB);
        Assert.Equal((Block + 10, 0), (plan.EnsureEnd, plan.PrefetchLength));
    }

    [Fact]
    public void Warm_reads_of_many_sequences_allocate_nothing()
    {
        var readahead = Make();
        for (var reader = 0; reader < Readahead.CursorsMax; reader++)
        {
            readahead.OnMiss(reader * 100L * MiB, MiB);
        }

        readahead.OnWarmRead(0, MiB);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            readahead.OnWarmRead((i % 10) * 100L * MiB, MiB);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Readahead Make(ReadaheadBudget? budget = null, long maxWindow = 64 << 20, long length = Length) =>
        new(budget ?? new ReadaheadBudget(1L << 30), maxWindow, Block, length);
}
