using System.Diagnostics;
using System.Text;
using Xunit.Abstractions;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>What the silo tells is seen through a real mount long before leases end, and costs nothing that stayed the same.</summary>
public sealed class PushedChangeTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>docs/SEMANTICS.md 2.5.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_the_silo_tells_is_seen_long_before_the_lease_ends(bool byName)
    {
        var view = new FakeNamespace { Lease = Lease };
        view.AddDirectory("/d");
        view.AddFile("/d/replaced", 10);
        view.AddFile("/d/rewritten", 10);
        view.AddFile("/d/removed", 10);
        view.AddDirectory("/d/directory");
        view.AddFile("/d/directory/f", 10);
        await using var mount = await TestMount.StartAsync(view);
        Assert.Equal("10 10 10 10 -", Seen(mount));
        view.Replace("/d/replaced", 20, byRename: true);
        view.Replace("/d/rewritten", 30, byRename: false);
        view.Remove("/d/removed");
        view.Remove("/d/directory");
        view.AddDirectory("/d/directory");
        view.AddFile("/d/directory/f", 40);
        view.AddFile("/d/new", 50);
        Assert.Equal("10 10 10 10 -", Seen(mount)); // Leases hold what nobody takes back.
        var clock = Stopwatch.StartNew();
        view.Tell("/d", false, byName ? ["replaced", "rewritten", "removed", "directory", "new"] : []);
        view.Tell("/d/directory", false);
        await TestMount.EventuallyAsync(() => Seen(mount) == "20 30 - 40 50", "the change", seconds: 40);
        output.WriteLine($"seen after {clock.ElapsedMilliseconds} ms, {mount.Mount.GetStatistics().ExpiredNames} names told");
    }

    /// <summary>docs/SEMANTICS.md 2.5.</summary>
    [Fact]
    public async Task A_sync_of_everything_reaches_all_depths_and_keeps_pages_and_working_directories()
    {
        var view = new FakeNamespace { Lease = Lease };
        view.AddDirectory("/a");
        view.AddDirectory("/a/b");
        var here = view.AddDirectory("/a/b/c");
        here.ModifiedNs = 1_700_000_000L * 1_000_000_000;
        view.AddFile("/a/b/c/changed", 10);
        var same = view.AddFile("/a/b/c/same", 100_000);
        await using var mount = await TestMount.StartAsync(view);
        var deep = mount.At("/a/b/c");
        const string Inside = "stat -c %Y .; read go; until [ $(stat -c %Y .) = 1800000000 ]; do sleep 0.02; done; echo seen; "
            + "read go; pwd -P; cat same | wc -c; stat -c %s new";
        using var inside = Process.Start(new ProcessStartInfo("timeout", ["40", "bash", "-c", Inside])
        {
            WorkingDirectory = deep,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("1700000000", await inside.StandardOutput.ReadLineAsync());
        Assert.Equal(10, Length(deep + "/changed"));
        Assert.Equal(-1, Length(deep + "/new"));
        Assert.Equal(same.Content.ToArray(), await File.ReadAllBytesAsync(deep + "/same"));
        var reads = mount.Mount.GetStatistics().WarmReads;
        view.Replace("/a/b/c/changed", 20, byRename: true);
        view.AddFile("/a/b/c/new", 30);
        here.ModifiedNs = 1_800_000_000L * 1_000_000_000;
        view.Tell("/a", isSubtree: true);
        await inside.StandardInput.WriteLineAsync("go");
        Assert.Equal("seen", await inside.StandardOutput.ReadLineAsync());
        await TestMount.EventuallyAsync(() => Length(deep + "/changed") == 20 && Length(deep + "/new") == 30, "the change", seconds: 40);
        Assert.Equal(same.Content.ToArray(), await File.ReadAllBytesAsync(deep + "/same"));
        await inside.StandardInput.WriteLineAsync("go");
        Assert.Equal($"{deep}\n100000\n30\n", await inside.StandardOutput.ReadToEndAsync());
        await inside.WaitForExitAsync();
        Assert.Equal(reads, mount.Mount.GetStatistics().WarmReads);
    }

    /// <summary>docs/SEMANTICS.md 2.5.</summary>
    [Theory]
    [InlineData("/f", 10L)]
    [InlineData("/absent", -1L)]
    public async Task An_answer_of_before_a_change_that_comes_after_it_is_not_kept(string path, long before)
    {
        var view = new FakeNamespace { Lease = Lease, AnswersBeforeGate = true };
        view.AddFile("/f", 10);
        await using var mount = await TestMount.StartAsync(view);
        var gate = view.Gate = new TaskCompletionSource();
        var asking = TestMount.OnThreadAsync(() => Length(mount.At(path)));
        await TestMount.EventuallyAsync(() => view.Waiting == 1, "the question");
        view.Remove("/f");
        view.AddFile("/f", 20);
        view.AddFile("/absent", 20);
        view.Tell("/", false, path[1..]);
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics().ExpiredNames > 0, "telling the kernel");
        view.Gate = null;
        gate.SetResult();
        Assert.Contains(await asking, new[] { before, 20 });
        Assert.Equal(20, Length(mount.At(path)));
    }

    /// <summary>docs/SEMANTICS.md 2.5: the notify thread waits for lookups under way, and nothing waits for it.</summary>
    [Fact]
    public async Task Readers_and_changes_together_never_wait_for_each_other_and_the_last_state_is_seen()
    {
        var view = new FakeNamespace { Lease = Lease, AnswersLater = true, PageEntries = 20 };
        for (var index = 0; index < 8; index++)
        {
            view.AddDirectory($"/d{index}");
            for (var file = 0; file < 50; file++)
            {
                view.AddFile($"/d{index}/f{file}", 1000);
            }
        }

        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = file => file.Entry.Key.Low % 3 != 0 });
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4)
            .Select(seed => TestMount.OnThreadAsync(() => Use(mount.Path, new Random(seed), stop.Token))).ToArray();
        var random = new Random(9);
        for (var round = 0; round < 400; round++)
        {
            var directory = $"/d{random.Next(8)}";
            var name = $"f{random.Next(50)}";
            view.Replace($"{directory}/{name}", 1000 + round, byRename: round % 2 == 0);
            switch (round % 4)
            {
                case 0:
                    view.Tell("/", isSubtree: true);
                    break;
                case 1:
                    view.Tell(directory, false);
                    break;
                default:
                    view.Tell(directory, false, name);
                    break;
            }

            await Task.Delay(2);
        }

        view.Replace("/d3/f7", 5555, byRename: true);
        view.Tell("/d3", false, "f7");
        await TestMount.EventuallyAsync(() => Length(mount.At("/d3/f7")) == 5555, "the last change under load", seconds: 40);
        await stop.CancelAsync();
        var uses = (await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(40))).Sum();
        output.WriteLine($"{uses} uses, {mount.Mount.GetStatistics().ExpiredNames} names told");
        Assert.True(uses > 100, $"only {uses} uses");
    }

    /// <summary>docs/SEMANTICS.md 2.5: an open file stays what it was.</summary>
    [Fact]
    public async Task A_file_open_while_its_name_changes_stays_its_version()
    {
        var view = new FakeNamespace { Lease = Lease };
        var first = view.AddFile("/f", 100_000).Content;
        await using var mount = await TestMount.StartAsync(view);
        using var open = TestLibc.Open(mount.At("/f"));
        view.Replace("/f", 200_000, byRename: false);
        view.Tell("/", false, "f");
        await TestMount.EventuallyAsync(() => Length(mount.At("/f")) == 200_000, "the change", seconds: 40);
        var buffer = new byte[300_000];
        Assert.Equal(100_000, TestLibc.Read(open, buffer, 0));
        Assert.Equal(first.ToArray(), buffer[..100_000]);
        Assert.Equal(100_000, RandomAccess.GetLength(open));
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task The_page_after_the_one_being_read_is_asked_for_ahead_and_rewinding_asks_anew()
    {
        var view = new FakeNamespace { PageEntries = 300 };
        for (var index = 0; index < 900; index++)
        {
            view.AddFile($"/{index:d5}", 0);
        }

        await using var mount = await TestMount.StartAsync(view);
        using var directory = TestLibc.Open(mount.Path, TestLibc.Directory);
        Assert.NotEmpty(TestLibc.ReadDirectory(directory, 1024));
        await TestMount.EventuallyAsync(() => view.Listings == 2, "the page ahead");
        TestLibc.Seek(directory, 0);
        view.AddFile("/00300a", 0);
        var names = new List<string>();
        for (var entries = TestLibc.ReadDirectory(directory); entries.Count > 0; entries = TestLibc.ReadDirectory(directory))
        {
            names.AddRange(entries.Select(entry => Encoding.ASCII.GetString(entry.Name)));
        }

        Assert.Equal(903, names.Count);
        Assert.Contains("00300a", names);
        Assert.InRange(view.Listings, 5, 7);
    }

    private static string Seen(TestMount mount) => string.Join(
        ' ',
        new[] { "replaced", "rewritten", "removed", "directory/f", "new" }.Select(name => Length(mount.At("/d/" + name)))
            .Select(length => length < 0 ? "-" : $"{length}"));

    /// <summary>The length of a file, -1 when there is none.</summary>
    private static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : -1;

    private static long Use(string root, Random random, CancellationToken stop)
    {
        var uses = 0L;
        while (!stop.IsCancellationRequested)
        {
            var directory = $"{root}/d{random.Next(8)}";
            switch (random.Next(3))
            {
                case 0:
                    Assert.Equal(50, Directory.GetFiles(directory).Length);
                    break;
                case 1:
                    Assert.True(Length($"{directory}/f{random.Next(50)}") >= 1000);
                    break;
                default:
                    using (var file = TestLibc.TryOpen($"{directory}/f{random.Next(50)}", out _))
                    {
                        Assert.True(file is null || TestLibc.Read(file, new byte[64], 0) == 64);
                    }

                    break;
            }

            uses++;
        }

        return uses;
    }
}
