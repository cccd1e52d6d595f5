using System.Diagnostics;
using System.Globalization;
using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests;

/// <summary>
/// Runs the helper program and remembers what it said. A cut at some moment may rely on the lines that came before it.
/// </summary>
internal sealed class HammerLog : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly Lock _gate = new();
    private readonly Task _reading;

    public HammerLog(string directory, int seed, int capacityMiB)
    {
        _process = Processes.StartHelper(
            directory, seed.ToString(CultureInfo.InvariantCulture), capacityMiB.ToString(CultureInfo.InvariantCulture));
        _reading = Task.Run(ReadAsync);
    }

    public int LineCount
    {
        get
        {
            lock (_gate)
            {
                return _lines.Count;
            }
        }
    }

    /// <summary>Fails with what the child said if it ended by itself.</summary>
    public void AssertRuns() =>
        Assert.False(_process.HasExited, _process.HasExited ? $"the child ended: {_process.StandardError.ReadToEnd()}" : null);

    public async Task KillAsync()
    {
        _process.Kill(); // SIGKILL.
        await _process.WaitForExitAsync();
        await _reading.WaitAsync(TestTier.Limit);
    }

    /// <summary>Every block acknowledged in the first lines, dropped ones left out.</summary>
    public HashSet<(int File, int Block)> Acknowledged(int lines) => Replay(lines, syncedOnly: false);

    /// <summary>
    /// The same for blocks that a completed barrier covers and that were not dropped later: a drop is said before it begins, but a
    /// cut is made some time after the lines were counted.
    /// </summary>
    public HashSet<(int File, int Block)> Synced(int lines)
    {
        var synced = Replay(lines, syncedOnly: true);
        lock (_gate)
        {
            foreach (var words in _lines.Skip(lines).Select(line => line.Split(' ')).Where(words => words[0] == "drop"))
            {
                synced.RemoveWhere(one => one.File == Number(words[1]));
            }
        }

        return synced;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _lines.Add(line);
            }
        }
    }

    private HashSet<(int File, int Block)> Replay(int lines, bool syncedOnly)
    {
        var known = new HashSet<(int File, int Block)>();
        var atSync = new Dictionary<string, HashSet<(int File, int Block)>>();
        var synced = new HashSet<(int File, int Block)>();
        lock (_gate)
        {
            foreach (var words in _lines.Take(lines).Select(line => line.Split(' ')))
            {
                switch (words)
                {
                    case ["valid", var file, var block]:
                        known.Add((Number(file), Number(block)));
                        break;
                    case ["drop", var file]:
                        known.RemoveWhere(one => one.File == Number(file));
                        synced.RemoveWhere(one => one.File == Number(file));
                        foreach (var pending in atSync.Values)
                        {
                            pending.RemoveWhere(one => one.File == Number(file));
                        }

                        break;
                    case ["syncing", var id]:
                        atSync[id] = [.. known];
                        break;
                    case ["sync", var id]:
                        synced.UnionWith(atSync[id]);
                        break;
                    default:
                        break;
                }
            }
        }

        return syncedOnly ? synced : known;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>Looks at what a store has of the workload after a crash.</summary>
internal static class Workloads
{
    /// <summary>Reads every block the store calls resident or can verify; fails on any wrong byte. Returns those it served.</summary>
    public static async Task<HashSet<(int File, int Block)>> ServedAsync(IBlockStore store, bool verify)
    {
        var served = new HashSet<(int File, int Block)>();
        for (var file = 0; file < Workload.Files; file++)
        {
            for (var block = 0; block < Workload.Blocks(file); block++)
            {
                var offset = Workload.Layout.StartOf(block);
                var length = Workload.Layout.LengthOf(block, Workload.LengthBytes(file));
                var status = store.TryPin(Workload.Key(file), offset, length, out var pin);
                if (status == PinStatus.Unproven && verify
                    && await store.EnsureVerifiedAsync(Workload.Key(file), offset, length, CancellationToken.None))
                {
                    status = store.TryPin(Workload.Key(file), offset, length, out pin);
                }

                if (status == PinStatus.Pinned)
                {
                    using (pin)
                    {
                        TestTier.AssertBytes(Workload.Key(file), offset, pin);
                    }

                    served.Add((file, block));
                }
            }
        }

        return served;
    }
}
