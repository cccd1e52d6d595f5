using static OrleansCache.BlockStore.Tests.Faults.DiskCall;
using static OrleansCache.BlockStore.Tests.Faults.FaultKind;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>How one life of a store ends.</summary>
internal enum Ending
{
    /// <summary>It is closed.</summary>
    Close,

    /// <summary>kill -9 while it works.</summary>
    Kill,

    /// <summary>Power cut while it works: what no sync covered may be lost, and the boot id changes.</summary>
    PowerCut,
}

/// <summary>What goes wrong during one life of a store.</summary>
internal sealed record FaultScenario(string Name, IReadOnlyList<FaultRule> Rules)
{
    public static FaultScenario Choose(Random random)
    {
        var nth = 1 + random.Next(200);
        return random.Next(15) switch
        {
            0 => new("a cache file's write fails", [new(Write, Fail) { Path = "/files/", Nth = nth }]),
            1 => new("cache files' writes tear", [new(Write, Tear) { Path = "/files/", Nth = nth }]),
            2 => new("the disk is full now and then", [
                new(Write, Tear) { Path = "/files/", Probability = 0.01, Errno = FaultRule.NoSpace },
                new(Open, Fail) { Path = "/files/", Probability = 0.01, Errno = FaultRule.NoSpace }]),
            3 => new("a journal segment's write fails", [new(Write, Fail) { Path = "segment.", Nth = nth }]),
            4 => new("a journal segment's write tears", [new(Write, Tear) { Path = "segment.", Nth = nth }]),
            5 => new("a commit slot tears", [new(Write, Tear) { Path = "commits", Nth = nth }]),
            6 => new("a sync fails", [new(SyncFileSystem, Fail) { Nth = 1 + random.Next(6) }]),
            7 => new("checkpoints fail", [new(ChooseOf(random, Write, Rename, Sync), Fail) { Path = "checkpoint" }]),
            8 => new("punches fail", [new(PunchHole, Fail) { Probability = 0.2 }]),
            9 => new("an unlink fails", [new(Unlink, Fail) { Nth = 1 + random.Next(40) }]),
            10 => new("opens fail now and then", [
                new(Open, Fail) { Path = "/files/", Probability = 0.05, Errno = FaultRule.TooManyFiles },
                new(Open, Fail) { Path = "/files/", Nth = nth }]),
            11 => new("reads fail and are short", [
                new(Read, Tear) { Probability = 0.2 }, new(Read, Fail) { Path = "/files/", Probability = 0.02 }]),
            12 => new("everything is slow", [
                new(Write, Delay) { Probability = 0.05 }, new(Read, Delay) { Probability = 0.05 },
                new(PunchHole, Delay) { Probability = 0.1 }, new(SyncFileSystem, Delay), new(Writeback, Delay)]),
            13 => new("a writeback fails", [new(Writeback, Fail) { Nth = nth }]),
            _ => new("nothing", []),
        };
    }

    private static DiskCall ChooseOf(Random random, params DiskCall[] calls) => calls[random.Next(calls.Length)];
}
