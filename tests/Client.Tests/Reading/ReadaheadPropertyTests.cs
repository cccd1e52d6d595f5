using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Reading;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>Whatever is read in whatever order: bounds hold, and the budget has everything back in the end.</summary>
public sealed class ReadaheadPropertyTests
{
    private const int Block = 4 << 20;
    private const long Length = 300L << 20;
    private const long MaxWindow = 16L << 20;
    private const long Limit = 40L << 20;

    private enum Act : byte
    {
        Miss,
        MissAndWait,
        Warm,
        Close,
        Open,
    }

    private sealed record Step(Act Act, int File, long Offset, int Length);

    [Fact]
    public void Windows_stay_within_their_limit_and_the_budget_returns_to_zero()
    {
        var step = from act in Gen.Frequency(
                       (4, Gen.Constant(Act.Miss)), (6, Gen.Constant(Act.MissAndWait)), (4, Gen.Constant(Act.Warm)),
                       (1, Gen.Constant(Act.Close)), (1, Gen.Constant(Act.Open)))
                   from file in Gen.Choose(0, 3)
                   from place in Gen.OneOf(Gen.Choose(0, 5), Gen.Choose(0, 299))
                   from length in Gen.Elements(4096, 128 * 1024, 1 << 20, 5 << 20)
                   select new Step(act, file, place * (1L << 20), length);
        Prop.ForAll(step.ArrayOf().ToArbitrary(), Holds).QuickCheckThrowOnFailure();
    }

    private static bool Holds(Step[] steps)
    {
        var budget = new ReadaheadBudget(Limit);
        var files = Enumerable.Range(0, 4).Select(_ => new Readahead(budget, MaxWindow, Block, Length)).ToArray();
        foreach (var step in steps)
        {
            Do(files[step.File], step);
            if (files.Any(file => file.Windows.Any(window => window > MaxWindow) || file.Windows.Length > Readahead.CursorsMax)
                || budget.UsedBytes != files.Sum(file => file.WindowBytes) || budget.UsedBytes > Limit
                || budget.UnreadBytes > budget.AskedBytes)
            {
                return false;
            }
        }

        Array.ForEach(files, file => file.Close());
        return budget.UsedBytes == 0;
    }

    private static void Do(Readahead file, Step step)
    {
        switch (step.Act)
        {
            case Act.Close:
                file.Close();
                break;
            case Act.Open:
                file.Open();
                break;
            case Act.Warm:
                if (file.OnWarmRead(step.Offset, step.Length) && file.TryRefill(step.Offset, step.Length, out var refill))
                {
                    Check(refill);
                }

                break;
            default:
                var plan = file.OnMiss(step.Offset, step.Length);
                Check(plan);
                if (step.Act == Act.MissAndWait)
                {
                    file.OnWaited(plan);
                }

                break;
        }
    }

    private static void Check(in Readahead.Plan plan)
    {
        if (plan.EnsureEnd > Length || plan.PrefetchLength < 0 || plan.PrefetchFrom + plan.PrefetchLength > Length
            || plan.PrefetchLength > MaxWindow + (2 * Block))
        {
            throw new InvalidOperationException($"a plan outside its bounds: {plan}");
        }
    }
}
