using System.Diagnostics;
using System.Globalization;
using System.Text;
using OrleansCache.Fuse.FileSystem;
using Xunit.Abstractions;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>Large directories, many handles, many readers.</summary>
public sealed class ScaleTests(ITestOutputHelper output)
{
    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task A_directory_of_100_000_files_is_listed_whole_page_by_page()
    {
        const int Count = 100_000;
        var view = new FakeNamespace { PageEntries = 5000 };
        for (var index = 0; index < Count; index++)
        {
            view.AddFile($"/sample-{index:d6}", index);
        }

        await using var mount = await TestMount.StartAsync(view);
        var clock = Stopwatch.StartNew();
        var sizes = await TestMount.OnThreadAsync(() => new DirectoryInfo(mount.Path).EnumerateFiles()
            .ToDictionary(file => file.Name, file => file.Length));
        output.WriteLine($"{Count} names with lengths in {clock.ElapsedMilliseconds} ms, {mount.Mount.GetStatistics().Nodes} nodes");
        foreach (var (opcode, one) in mount.Mount.GetStatistics().Requests.ByOpcode)
        {
            output.WriteLine($"{opcode}: {one.Requests} requests, {one.TotalTime.TotalMilliseconds:f0} ms");
        }

        Assert.Equal(Count, sizes.Count);
        Assert.All(sizes, pair => Assert.Equal(int.Parse(pair.Key.AsSpan(7), CultureInfo.InvariantCulture), pair.Value));
        Assert.InRange(view.Listings, Count / view.PageEntries, 2 * Count / view.PageEntries);
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task A_listing_goes_on_by_name_however_the_directory_changes()
    {
        var view = new FakeNamespace { PageEntries = 50 };
        for (var index = 0; index < 1000; index++)
        {
            view.AddFile($"/{index * 2:d5}", 0);
        }

        await using var mount = await TestMount.StartAsync(view);
        using var directory = TestLibc.Open(mount.Path, TestLibc.Directory);
        var seen = new List<string>();
        var random = new Random(3);
        for (var entries = TestLibc.ReadDirectory(directory, 1024); entries.Count > 0; entries = TestLibc.ReadDirectory(directory, 1024))
        {
            seen.AddRange(entries.Select(entry => Encoding.ASCII.GetString(entry.Name)));
            view.AddFile($"/{(random.Next(1000) * 2) + 1:d5}", 0); // Odd names come, never an even one goes.
        }

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Equal(
            Enumerable.Range(0, 1000).Select(index => $"{index * 2:d5}"),
            seen.Where(name => name[0] != '.' && int.Parse(name, CultureInfo.InvariantCulture) % 2 == 0));
        Assert.Equal(2, seen.Count(name => name[0] == '.'));
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task Seeking_back_to_a_cookie_goes_on_from_there()
    {
        var view = new FakeNamespace { PageEntries = 40 };
        for (var index = 0; index < 500; index++)
        {
            view.AddFile($"/{index:d5}", 0);
        }

        await using var mount = await TestMount.StartAsync(view);
        using var directory = TestLibc.Open(mount.Path, TestLibc.Directory);
        var all = new List<(string Name, long Cookie)>();
        for (var entries = TestLibc.ReadDirectory(directory); entries.Count > 0; entries = TestLibc.ReadDirectory(directory))
        {
            all.AddRange(entries.Select(entry => (Encoding.ASCII.GetString(entry.Name), entry.Cookie)));
        }

        Assert.Equal(502, all.Count);
        var random = new Random(5);
        for (var round = 0; round < 100; round++)
        {
            var at = random.Next(1, all.Count - 1); // Cookie 0 would be a rewind.
            TestLibc.Seek(directory, all[at].Cookie);
            Assert.Equal(all[at + 1].Name, Encoding.ASCII.GetString(TestLibc.ReadDirectory(directory)[0].Name));
        }

        view.AddFile("/99999", 0);
        TestLibc.Seek(directory, 0);
        var count = 0;
        for (var entries = TestLibc.ReadDirectory(directory); entries.Count > 0; entries = TestLibc.ReadDirectory(directory))
        {
            count += entries.Count;
        }

        Assert.Equal(503, count);
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task Seeking_back_into_a_page_that_has_changed_repeats_names_and_leaves_none_out()
    {
        var view = new FakeNamespace { PageEntries = 20 };
        for (var index = 0; index < 200; index++)
        {
            view.AddFile($"/{index:d5}", 0);
        }

        await using var mount = await TestMount.StartAsync(view);
        using var directory = TestLibc.Open(mount.Path, TestLibc.Directory);
        var all = new List<(string Name, long Cookie)>();
        for (var entries = TestLibc.ReadDirectory(directory); entries.Count > 0; entries = TestLibc.ReadDirectory(directory))
        {
            all.AddRange(entries.Select(entry => (Encoding.ASCII.GetString(entry.Name), entry.Cookie)));
        }

        view.Remove("/00021");
        TestLibc.Seek(directory, all.Single(entry => entry.Name == "00030").Cookie);
        var rest = new List<string>();
        for (var entries = TestLibc.ReadDirectory(directory); entries.Count > 0; entries = TestLibc.ReadDirectory(directory))
        {
            rest.AddRange(entries.Select(entry => Encoding.ASCII.GetString(entry.Name)));
        }

        Assert.Subset(rest.ToHashSet(), Enumerable.Range(31, 169).Select(index => $"{index:d5}").ToHashSet());
        Assert.Equal(rest.Count, rest.Distinct().Count());
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task Ten_thousand_files_may_be_open_at_once()
    {
        var view = new FakeNamespace();
        for (var index = 0; index < 200; index++)
        {
            view.AddFile($"/{index}", 64);
        }

        await using var mount = await TestMount.StartAsync(view);
        var files = Enumerable.Range(0, 10_000).Select(index => TestLibc.Open(mount.At($"/{index % 200}"))).ToList();
        try
        {
            Assert.Equal(10_000, mount.Mount.GetStatistics().OpenFiles);
            var buffer = new byte[64];
            for (var index = 0; index < files.Count; index += 7)
            {
                Assert.Equal(64, TestLibc.Read(files[index], buffer, 0));
                Assert.Equal(view.Root.Children[$"{index % 200}"].Content.Seed, FakeContent.SeedOf(0, buffer));
            }
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }

        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics().OpenFiles == 0, "every handle released");
        // The handle leaves the table before its reader is closed.
        await TestMount.EventuallyAsync(() => mount.Opener.OpenReaders == 0, "every reader closed");
    }

    /// <summary>docs/SEMANTICS.md 5.1.</summary>
    [Fact]
    public async Task More_handles_than_the_limit_are_EMFILE_and_room_comes_back()
    {
        var view = new FakeNamespace();
        view.AddFile("/f", 64);
        await using var mount = await TestMount.StartAsync(view, new FileSystemOptions { HandlesMax = 10 });
        var files = Enumerable.Range(0, 10).Select(_ => TestLibc.Open(mount.At("/f"))).ToList();
        Assert.Equal(24, TestLibc.OpenErrno(mount.At("/f")));
        files[0].Dispose();
        await TestMount.EventuallyAsync(() => TestLibc.OpenErrno(mount.At("/f")) == 0, "room for one more");
        files.ForEach(file => file.Dispose());
    }

    /// <summary>docs/SEMANTICS.md 5.3.</summary>
    [Fact]
    public async Task The_kernel_is_made_to_forget_files_over_the_limit()
    {
        const int Limit = 2000;
        var view = new FakeNamespace();
        for (var index = 0; index < 10_000; index++)
        {
            view.AddFile($"/{index}", 8);
        }

        await using var mount = await TestMount.StartAsync(view, new FileSystemOptions { NodesSoftMax = Limit });
        using var kept = TestLibc.Open(mount.At("/0"));
        await TestMount.OnThreadAsync(() => Enumerable.Range(0, 10_000).Count(index => File.Exists(mount.At($"/{index}"))));
        await TestMount.EventuallyAsync(() => mount.Mount.GetStatistics().Nodes < Limit + 1500, "the nodes of names that were dropped");
        Assert.InRange(mount.Mount.GetStatistics().TrimmedNames, 1, 20_000);
        Assert.Equal(8, TestLibc.Read(kept, new byte[8], 0));
    }

    /// <summary>
    /// docs/SEMANTICS.md 1.1: 16 readers at random offsets, through read, mmap-free page cache and O_DIRECT alike.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20261122)]
    public async Task Sixteen_random_readers_see_what_the_model_says(int seed)
    {
        output.WriteLine($"seed {seed}");
        var view = new FakeNamespace();
        var random = new Random(seed);
        for (var index = 0; index < 30; index++)
        {
            view.AddFile($"/{index}", random.Next(3_000_000));
        }

        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = file => file.LengthBytes % 3 != 0 });
        var checks = await Task.WhenAll(Enumerable.Range(0, 16).Select(reader =>
            TestMount.OnThreadAsync(() => ReadRandomly(mount, new Random(seed + reader)))));
        output.WriteLine($"{checks.Sum()} reads");
        var statistics = mount.Mount.GetStatistics();
        Assert.True(statistics.WarmReads > 0 && statistics.WaitingReads > 0, $"{statistics}");
        Assert.Equal(0, statistics.FailedReads);
        Assert.Equal(0, statistics.ReadsInFlight);
    }

    /// <summary>
    /// docs/SEMANTICS.md 1.1: the same through mmap, by another program (a page fault must not stop our own
    /// collector).
    /// </summary>
    [Fact]
    public async Task Mappings_see_what_the_model_says()
    {
        var view = new FakeNamespace();
        view.AddFile("/big", 20_000_003);
        view.AddFile("/cold", 5_000_001);
        await using var mount = await TestMount.StartAsync(view, opener: new FakeOpener { IsResident = file => file.LengthBytes > 10_000_000 });
        const string Script = """
            import mmap, random, sys
            random.seed(int(sys.argv[3]))
            seed = int(sys.argv[2])
            f = open(sys.argv[1], 'rb')
            for flags in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
                m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ, flags=flags)
                for _ in range(400):
                    at = random.randrange(len(m))
                    got = m[at:at + random.randrange(1, 20000)]
                    for i in random.sample(range(len(got)), min(40, len(got))):
                        want = ((seed + (at + i) // 8) >> (at + i) % 8 * 8) & 255
                        if got[i] != want:
                            sys.exit('byte %d is %d, not %d' % (at + i, got[i], want))
            """;
        foreach (var name in new[] { "big", "cold" })
        {
            var (exitCode, text) = await TestMount.RunAsync(
                "python3", ["-c", Script, mount.At("/" + name), $"{view.Root.Children[name].Content.Seed}", "7"]);
            Assert.True(exitCode == 0, $"{name}, seed 7: {text}");
        }
    }

    private static int ReadRandomly(TestMount mount, Random random)
    {
        const int Direct = 0x4000;
        var buffer = new byte[400_000];
        var expected = new byte[400_000];
        var reads = 0;
        for (var round = 0; round < 12; round++)
        {
            var name = random.Next(30).ToString(CultureInfo.InvariantCulture);
            var content = mount.View.Root.Children[name].Content;
            using var file = TestLibc.Open(mount.At("/" + name), random.Next(4) == 0 ? Direct : TestLibc.ReadOnly);
            for (var read = 0; read < 10; read++, reads++)
            {
                var offset = random.NextInt64(content.LengthBytes + 5000);
                var size = random.Next(buffer.Length);
                var bytes = TestLibc.Read(file, buffer.AsSpan(0, size), offset);
                Assert.Equal((int)Math.Clamp(content.LengthBytes - offset, 0, size), bytes);
                content.CopyTo(offset, expected.AsSpan(0, bytes));
                Assert.True(buffer.AsSpan(0, bytes).SequenceEqual(expected.AsSpan(0, bytes)), $"{name} at {offset} for {size}");
            }
        }

        return reads;
    }
}
