using OrleansCache.Reading;

namespace OrleansCache.Client.Tests.Reading;

public sealed class ReadaheadTests
{
    private const int Block = 4 << 20;
    private const long Length = 1L << 30;

    [Fact]
    public void A_sequential_reader_asks_for_what_lies_beyond_its_block()
    {
        using var readahead = new Readahead(new ReadaheadBudget(1L << 30), 64 << 20, Block, Length);
        var plan = readahead.OnMiss(0, 1 << 20);
        Assert.Equal(new Readahead.Plan(Block, Block, Readahead.FirstWindowBytes), plan);
        Assert.Equal(0, readahead.OnMiss(1 << 20, 1 << 20).PrefetchLength);
    }

    [Fact]
    public void The_window_doubles_while_the_reader_waits_up_to_its_limit()
    {
        var budget = new ReadaheadBudget(1L << 30);
        using (var readahead = new Readahead(budget, 8 << 20, Block, Length))
        {
            readahead.OnMiss(0, 1 << 20);
            for (var i = 0; i < 10; i++)
            {
                readahead.OnWaited();
            }

            Assert.Equal(4 * Readahead.FirstWindowBytes, readahead.WindowBytes);
            Assert.Equal(readahead.WindowBytes, budget.UsedBytes);
        }

        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void A_random_reader_gets_nothing_and_comes_back_when_sequential()
    {
        var budget = new ReadaheadBudget(1L << 30);
        using var readahead = new Readahead(budget, 64 << 20, Block, Length);
        readahead.OnMiss(0, 4096);
        Assert.Equal(new Readahead.Plan((500 << 20) + 4096, 0, 0), readahead.OnMiss(500 << 20, 4096));
        Assert.Equal((0, 0), (readahead.WindowBytes, budget.UsedBytes));
        Assert.True(readahead.OnMiss((500 << 20) + 4096, 4096).PrefetchLength > 0);
    }

    [Fact]
    public void Requests_out_of_order_are_still_a_sequence()
    {
        using var readahead = new Readahead(new ReadaheadBudget(1L << 30), 64 << 20, Block, Length);
        foreach (var piece in (int[])[0, 2, 1, 4, 3, 6, 5])
        {
            readahead.OnMiss(piece * 128 * 1024, 128 * 1024);
        }

        Assert.Equal(Readahead.FirstWindowBytes, readahead.WindowBytes);
    }

    [Fact]
    public void Without_budget_there_is_no_window_and_a_grown_one_shrinks()
    {
        var budget = new ReadaheadBudget(3 * Readahead.FirstWindowBytes);
        using var first = new Readahead(budget, 64 << 20, Block, Length);
        first.OnMiss(0, 4096);
        first.OnWaited();
        Assert.Equal(2 * Readahead.FirstWindowBytes, first.WindowBytes);
        first.OnWaited();
        Assert.Equal(Readahead.FirstWindowBytes, first.WindowBytes);
        Assert.True(budget.TryReserve(2 * Readahead.FirstWindowBytes));
        using var second = new Readahead(budget, 64 << 20, Block, Length);
        Assert.Equal(0, second.OnMiss(0, 4096).PrefetchLength);
    }

    [Fact]
    public void Nothing_is_asked_for_beyond_the_end()
    {
        using var readahead = new Readahead(new ReadaheadBudget(1L << 30), 64 << 20, Block, Block + 10);
        Assert.Equal(new Readahead.Plan(Block, Block, 10), readahead.OnMiss(0, 1 << 20));
        Assert.Equal(new Readahead.Plan(Block + 10, 0, 0), readahead.OnMiss(Block, 1 << 20));
    }
}
