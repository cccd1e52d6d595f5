using System.Diagnostics;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>A file replaced under its readers.</summary>
public sealed class ReplacementTests(ITestOutputHelper output)
{
    private const int FileBytes = 256 * 1024;
    private const int ESTALE = 116, ENOENT = 2;

    /// <summary>docs/SEMANTICS.md 1.2, 2.1, 2.4.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task In_200_rounds_every_read_is_one_version_and_opens_see_the_new_one_when_the_lease_is_over(bool byRename)
    {
        var view = new FakeNamespace { Lease = TimeSpan.FromMilliseconds(40) };
        view.AddFile("/f", FileBytes);
        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = file => file.Entry.Key.Low % 3 != 0 });
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3)
            .Select(seed => TestMount.OnThreadAsync(() => ReadUntil(mount.At("/f"), new Random(seed), stop.Token)))
            .ToArray();
        var rounds = 0;
        for (; rounds < 200; rounds++)
        {
            var content = view.Replace("/f", FileBytes, byRename);
            var clock = Stopwatch.StartNew();
            await TestMount.EventuallyAsync(() => OpenedSeed(mount.At("/f")) == content.Seed, $"round {rounds}: the new version");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"round {rounds}: {clock.Elapsed}");
        }

        await stop.CancelAsync();
        var reads = (await Task.WhenAll(readers)).Sum();
        output.WriteLine($"{rounds} rounds, {reads} reads, {mount.Mount.GetStatistics().StaleOpens} opens sent back");
        Assert.True(reads > 200, $"only {reads} reads");
    }

    /// <summary>docs/SEMANTICS.md 1.2.</summary>
    [Fact]
    public async Task Both_versions_open_at_once_never_mix_in_the_page_cache()
    {
        var view = new FakeNamespace { Lease = TimeSpan.FromMilliseconds(20) };
        var first = view.AddFile("/f", FileBytes).Content;
        await using var mount = await TestMount.StartAsync(view);
        using var old = TestLibc.Open(mount.At("/f"));
        var buffer = new byte[FileBytes];
        Assert.Equal(4096, TestLibc.Read(old, buffer.AsSpan(0, 4096), 0)); // Only a piece of the first version is in the cache.
        var second = view.Replace("/f", FileBytes * 2, byRename: false);
        await TestMount.EventuallyAsync(() => OpenedSeed(mount.At("/f")) == second.Seed, "the second version");
        using var current = TestLibc.Open(mount.At("/f"));
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(FileBytes, TestLibc.Read(old, buffer, 0));
            Assert.Equal(first.Seed, FakeContent.SeedOf(0, buffer));
            Assert.Equal(0, TestLibc.Read(old, buffer, FileBytes));
            Assert.Equal(FileBytes, TestLibc.Read(current, buffer, FileBytes));
            Assert.Equal(second.Seed, FakeContent.SeedOf(FileBytes, buffer));
        }

        // fstat of either descriptor tells its own length; they have one inode number.
        Assert.Equal(FileBytes, RandomAccess.GetLength(old));
        Assert.Equal(FileBytes * 2, RandomAccess.GetLength(current));
    }

    /// <summary>docs/SEMANTICS.md 2.3.</summary>
    [Fact]
    public async Task With_a_lease_of_zero_the_next_open_sees_the_new_version()
    {
        var view = new FakeNamespace { Lease = TimeSpan.Zero };
        view.AddFile("/f", FileBytes);
        await using var mount = await TestMount.StartAsync(view);
        for (var round = 0; round < 50; round++)
        {
            var content = view.Replace("/f", FileBytes, byRename: round % 2 == 0);
            Assert.Equal(content.Seed, OpenedSeed(mount.At("/f")));
        }
    }

    /// <summary>docs/SEMANTICS.md 2.3: LOOKUP and OPEN are one question, fstat is none.</summary>
    [Fact]
    public async Task Without_a_lease_an_open_asks_for_the_file_once()
    {
        var view = new FakeNamespace { Lease = TimeSpan.Zero };
        view.AddFile("/f", FileBytes);
        await using var mount = await TestMount.StartAsync(view);
        for (var round = 0; round < 20; round++)
        {
            var asked = view.CallsFor("/f");
            using var file = TestLibc.Open(mount.At("/f"));
            Assert.Equal(FileBytes, RandomAccess.GetLength(file));
            Assert.Equal(asked + 1, view.CallsFor("/f"));
        }
    }

    /// <summary>docs/SEMANTICS.md 2.1, 2.2.</summary>
    [Fact]
    public async Task A_lease_is_used_for_as_long_as_it_lives_and_no_longer()
    {
        // Long enough that a busy machine does not let it end while the kernel is asked.
        var view = new FakeNamespace { Lease = TimeSpan.FromSeconds(60) };
        view.AddFile("/f", 4096);
        view.AddDirectory("/short");
        view.AddFile("/short/f", 4096);
        await using var mount = await TestMount.StartAsync(view);
        Assert.True(File.Exists(mount.At("/f")));
        Assert.False(File.Exists(mount.At("/later")));
        var asked = view.Calls;
        for (var index = 0; index < 100; index++)
        {
            Assert.True(File.Exists(mount.At("/f")));
            Assert.False(File.Exists(mount.At("/later")));
        }

        Assert.Equal(asked, view.Calls); // The kernel answers, also that there is none.

        view.Lease = TimeSpan.FromSeconds(1);
        Assert.True(File.Exists(mount.At("/short/f")));
        Assert.False(File.Exists(mount.At("/short/later")));
        view.AddFile("/short/later", 1);
        view.Remove("/short/f");
        // Well below the 60 s of the first lease, well above what a busy machine needs.
        await TestMount.EventuallyAsync(
            () => File.Exists(mount.At("/short/later")) && !File.Exists(mount.At("/short/f")), "the change", seconds: 30);
    }

    /// <summary>docs/SEMANTICS.md 1.2.</summary>
    [Fact]
    public async Task A_file_that_was_removed_stays_readable_for_who_has_it_open()
    {
        var view = new FakeNamespace { Lease = TimeSpan.Zero };
        var content = view.AddFile("/f", FileBytes).Content;
        await using var mount = await TestMount.StartAsync(view);
        using var file = TestLibc.Open(mount.At("/f"));
        view.Remove("/f");
        Assert.Equal(ENOENT, TestLibc.OpenErrno(mount.At("/f")));
        var buffer = new byte[FileBytes];
        Assert.Equal(FileBytes, TestLibc.Read(file, buffer, 0));
        Assert.Equal(content.Seed, FakeContent.SeedOf(0, buffer));
        Assert.Equal(FileBytes, RandomAccess.GetLength(file));
    }

    /// <summary>docs/SEMANTICS.md 4.3.</summary>
    [Fact]
    public async Task A_read_of_a_version_that_is_gone_and_not_cached_is_ESTALE()
    {
        var view = new FakeNamespace { Lease = TimeSpan.FromMilliseconds(20) };
        view.AddFile("/f", FileBytes);
        var opener = new FakeOpener { IsResident = _ => false };
        await using var mount = await TestMount.StartAsync(view, opener: opener);
        using var file = TestLibc.Open(mount.At("/f"));
        opener.StatusOf = _ => ReadStatus.StaleVersion;
        Assert.Equal(-ESTALE, await TestMount.OnThreadAsync(() => TestLibc.Read(file, new byte[4096], 0)));
        Assert.True(mount.Mount.GetStatistics().FailedReads > 0);
    }

    /// <summary>docs/SEMANTICS.md 1.2.</summary>
    [Fact]
    public async Task A_mapping_shows_the_version_it_was_made_of()
    {
        var view = new FakeNamespace { Lease = TimeSpan.FromMilliseconds(20) };
        view.AddFile("/f", FileBytes);
        await using var mount = await TestMount.StartAsync(view);
        using var stop = new CancellationTokenSource();
        var replacing = TestMount.OnThreadAsync(() =>
        {
            var rounds = 0;
            for (; !stop.IsCancellationRequested; rounds++)
            {
                view.Replace("/f", FileBytes, byRename: rounds % 2 == 0);
                stop.Token.WaitHandle.WaitOne(5);
            }

            return rounds;
        });
        const string Script = """
            import array, mmap, os, sys
            old = None
            for round in range(150):
                try:
                    fd = os.open(sys.argv[1], os.O_RDONLY)
                except OSError:
                    continue
                m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
                os.close(fd)
                for one in (m, old):
                    if one is not None:
                        words = array.array('Q', one[:])
                        if words != array.array('Q', range(words[0], words[0] + len(words))):
                            sys.exit('round %d: a mix of versions' % round)
                old = m
            """;
        var (exitCode, text) = await TestMount.RunAsync("python3", ["-c", Script, mount.At("/f")]);
        await stop.CancelAsync();
        Assert.True(await replacing > 10);
        Assert.True(exitCode == 0, text);
    }

    private static long ReadUntil(string path, Random random, CancellationToken stop)
    {
        var buffer = new byte[FileBytes];
        var reads = 0L;
        while (!stop.IsCancellationRequested)
        {
            using var file = TestLibc.TryOpen(path, out var errno);
            if (file is null)
            {
                Assert.Equal(ESTALE, errno); // Replaced twice between the kernel's two tries.
                continue;
            }

            ulong? version = null;
            for (var read = 0; read < 8; read++)
            {
                var offset = random.Next(FileBytes / 8) * 8;
                var bytes = TestLibc.Read(file, buffer.AsSpan(0, Math.Min(FileBytes - offset, (random.Next(FileBytes) | 7) + 1)), offset);
                Assert.True(bytes > 0, $"a read at {offset} ended with {bytes}");
                var seed = FakeContent.SeedOf(offset, buffer.AsSpan(0, bytes));
                Assert.True(seed is not null, $"a read at {offset} of {bytes} bytes is a mix of versions");
                Assert.Equal(version ?? seed, seed);
                version = seed;
                reads++;
            }
        }

        return reads;
    }

    /// <summary>The version an open sees now; 0 when the open was refused.</summary>
    private static ulong OpenedSeed(string path)
    {
        using var file = TestLibc.TryOpen(path, out _);
        var buffer = new byte[4096];
        return file is not null && TestLibc.Read(file, buffer, 0) == buffer.Length ? FakeContent.SeedOf(0, buffer) ?? 0 : 0;
    }
}
