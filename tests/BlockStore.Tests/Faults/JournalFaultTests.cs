using OrleansCache.BlockStore.Journal;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>The journal alone on a failing disk.</summary>
public sealed class JournalFaultTests : IDisposable
{
    private const int Records = 4000; // 16 MiB: two segments.
    private readonly string _root = Directory.CreateTempSubdirectory("ocache-journal-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_segment_that_cannot_be_removed_costs_its_space_only()
    {
        var io = new FaultyDiskIo(1) { Rules = [new(DiskCall.Unlink, FaultKind.Fail)] };
        await using (var journal = new BlockJournal(io, _root))
        {
            await FillAsync(journal);
            journal.TruncateBefore(journal.AppliedBefore());
            await AppendAsync(journal);
            await TestTier.UntilAsync(() => io.Strikes > 0, "the journal to remove a segment");
            await AppendAsync(journal);
            Assert.True(File.Exists(Path.Combine(_root, "segment.00000000")));
        }

        await using (var journal = new BlockJournal(new FaultyDiskIo(2), _root))
        {
            await FillAsync(journal);
            journal.TruncateBefore(journal.AppliedBefore());
            await AppendAsync(journal);
            await TestTier.UntilAsync(() => !File.Exists(Path.Combine(_root, "segment.00000000")), "the old segment to be removed");
        }
    }

    private static async Task FillAsync(BlockJournal journal)
    {
        for (var i = 0; i < Records; i++)
        {
            await AppendAsync(journal);
        }
    }

    private static async Task AppendAsync(BlockJournal journal)
    {
        var ticket = journal.Append(new byte[4100]);
        await ticket.Durable.WaitAsync(TestTier.Limit);
        journal.Applied(ticket);
    }
}
