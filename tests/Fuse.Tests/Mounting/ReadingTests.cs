using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Tests.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>What programs see through a real mount.</summary>
[Collection(MountCollection.Name)]
public sealed class ReadingTests
{
    private const int FileBytes = (3 * 1024 * 1024) + 123;

    [MountFact]
    public async Task A_file_reads_back_whole_at_odd_offsets_and_past_its_end()
    {
        var content = Content(FileBytes);
        await using var mount = await MountWithAsync(content);
        Assert.Equal(content, await TestMount.RunAsync(() => File.ReadAllBytes(mount.File("file"))));
        await TestMount.RunAsync(() =>
        {
            using var file = RawCalls.Open(mount.File("file"));
            var buffer = new byte[200_001];
            foreach (var offset in new[] { 1, 4095, 131_073, FileBytes - 10, FileBytes, FileBytes + 5000 })
            {
                var expected = content.AsSpan(Math.Min(offset, FileBytes));
                expected = expected[..Math.Min(buffer.Length, expected.Length)];
                Assert.Equal(expected.Length, RawCalls.ReadAt(file, buffer, offset));
                Assert.True(expected.SequenceEqual(buffer.AsSpan(0, expected.Length)), $"at {offset}");
            }

            return true;
        });
    }

    [MountFact]
    public async Task A_mapping_shows_the_content_in_every_open_mode()
    {
        var content = Content(FileBytes);
        await using var mount = await MountWithAsync(content);
        foreach (var (flags, shared) in new[]
        {
            (FuseOpenFlags.NoFlush, true), (FuseOpenFlags.KeepCache, true), (FuseOpenFlags.DirectIo, false),
            (FuseOpenFlags.DirectIo, true),
        })
        {
            mount.FileSystem.FileFlags = flags;
            var mapped = await TestMount.RunAsync(() =>
            {
                using var file = RawCalls.Open(mount.File("file"));
                return RawCalls.ReadMapped(file, FileBytes, shared);
            });
            Assert.True(content.AsSpan().SequenceEqual(mapped), $"{flags}, shared {shared}");
        }
    }

    [MountFact]
    public async Task A_large_directory_lists_every_name_once_and_forgets_what_it_looked_up()
    {
        const int Count = 20_000;
        var fileSystem = new TestFileSystem();
        for (var index = 0; index < Count; index++)
        {
            fileSystem.AddFile($"file-{index:D6}-{new string('x', index % 50)}", new byte[index % 7]);
        }

        await using (var mount = await TestMount.StartAsync(fileSystem))
        {
            var listed = await TestMount.RunAsync(() => new DirectoryInfo(mount.Directory).EnumerateFiles()
                .ToDictionary(file => file.Name, file => file.Length));
            Assert.Equal(Count, listed.Count);
            Assert.Empty(listed.Keys.Except(fileSystem.Root.Children.Keys));
            Assert.All(listed, file => Assert.Equal(fileSystem.Root.Children[file.Key].Content.Length, file.Value));
            Assert.True(mount.Mount.Session.GetStatistics().Requests(FuseOpcode.ReadDirPlus) > 1);
            Assert.True(fileSystem.Root.Children.Values.Sum(node => node.Lookups) > 0);
        }
    }

    [MountFact]
    public async Task Names_links_attributes_and_statistics_are_served()
    {
        var fileSystem = new TestFileSystem();
        var folder = fileSystem.Add(fileSystem.Root, "Ordner ü", FuseMode.Directory | 0x1ED, []);
        fileSystem.Add(folder, "inner", FuseMode.Regular | 0x124, "deep"u8.ToArray());
        fileSystem.Add(fileSystem.Root, "link", FuseMode.Symlink | 0x1FF, "Ordner ü/inner"u8.ToArray());
        await using var mount = await TestMount.StartAsync(fileSystem);
        await TestMount.RunAsync(() =>
        {
            Assert.Equal("deep", File.ReadAllText(mount.File("link")));
            Assert.Equal("Ordner ü/inner", new FileInfo(mount.File("link")).LinkTarget);
            Assert.Equal(77 * 4096, new DriveInfo(mount.Directory).TotalSize);
            Assert.Equal((5, "value"), RawCalls.GetXAttr(mount.File("link"), "user.test", 100));
            Assert.Equal((5, string.Empty), RawCalls.GetXAttr(mount.File("link"), "user.test", 0));
            Assert.Equal(-(int)Errno.Range, RawCalls.GetXAttr(mount.File("link"), "user.test", 4).Length);
            Assert.Equal(-(int)Errno.NoData, RawCalls.GetXAttr(mount.File("link"), "user.none", 9).Length);
            Assert.Equal(Errno.NoEntry, RawCalls.OpenError(mount.File("missing"), OpenFlags.ReadOnly));
            return true;
        });
    }

    [MountFact]
    public async Task Changes_are_refused_by_the_kernel_and_without_its_help_by_the_session()
    {
        foreach (var readOnly in new[] { true, false })
        {
            var fileSystem = new TestFileSystem();
            fileSystem.AddFile("file", [1, 2, 3]);
            await using var mount = await TestMount.StartAsync(
                fileSystem, options: new FuseMountOptions { ReadOnly = readOnly });
            await TestMount.RunAsync(() =>
            {
                Assert.Equal((int)Errno.ReadOnlyFileSystem, RawCalls.MakeDirectory(mount.File("new")));
                Assert.Equal(
                    Errno.ReadOnlyFileSystem,
                    RawCalls.OpenError(mount.File("created"), OpenFlags.ReadWrite | OpenFlags.Create));
                Assert.Throws<IOException>(() => File.Delete(mount.File("file")));
                return true;
            });
        }
    }

    [MountFact]
    public async Task A_passthrough_file_is_read_by_the_kernel_itself()
    {
        var content = Content(FileBytes);
        await using var mount = await MountWithAsync(content);
        var backing = Path.GetTempFileName();
        await File.WriteAllBytesAsync(backing, content);
        var connection = mount.FileSystem.Connection!;
        using (var file = RawCalls.Open(backing))
        {
            Assert.Equal(Errno.None, connection.OpenBacking(file, out var backingId));
            mount.FileSystem.BackingId = backingId;
        }

        File.Delete(backing);
        mount.FileSystem.FileFlags = FuseOpenFlags.Passthrough | FuseOpenFlags.NoFlush;
        Assert.Equal(content, await TestMount.RunAsync(() => File.ReadAllBytes(mount.File("file"))));
        Assert.Equal(0, mount.Mount.Session.GetStatistics().Requests(FuseOpcode.Read));
        connection.CloseBacking(mount.FileSystem.BackingId);
    }

    [MountFact]
    public async Task A_warm_read_allocates_nothing()
    {
        const int Windows = 6;
        const int Reads = 5_000;
        await using var mount = await MountWithAsync(Content(64 * 1024));
        mount.FileSystem.FileFlags = FuseOpenFlags.DirectIo | FuseOpenFlags.NoFlush;
        var leastAllocated = await TestMount.RunAsync(() =>
        {
            using var file = RawCalls.Open(mount.File("file"));
            var buffer = new byte[4096];
            return Enumerable.Range(0, Windows).Min(_ =>
            {
                var read = 0L;
                var before = GC.GetTotalAllocatedBytes(precise: true);
                for (var round = 0; round < Reads; round++)
                {
                    read += RawCalls.ReadAt(file, buffer, 4096); // An assertion here would allocate.
                }

                var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
                Assert.Equal(4096L * Reads, read);
                return allocated;
            });
        });

        // A request is counted after its answer, so the last one may lag behind.
        Assert.True(SpinWait.SpinUntil(
            () => mount.Mount.Session.GetStatistics().Requests(FuseOpcode.Read) >= Windows * Reads, TestMount.Limit));

        // The test host allocates now and then; one smallest object a read would be 120,000 bytes in every window.
        Assert.True(leastAllocated < 60_000, $"at least {leastAllocated} bytes for {Reads} reads");
    }

    [MountFact]
    public async Task Readahead_is_raised()
    {
        await using var mount = await MountWithAsync([1]);
        var entry = Assert.Single(FuseMount.List(), entry => entry.Path == mount.Directory);
        var path = $"/sys/class/bdi/{entry.DeviceMajor}:{entry.DeviceMinor}/read_ahead_kb";
        Assert.Equal("1024", (await File.ReadAllTextAsync(path)).Trim());
    }

    [MountFact]
    public async Task Cached_pages_and_names_go_when_the_kernel_is_told()
    {
        var fileSystem = new TestFileSystem { FileFlags = FuseOpenFlags.KeepCache };
        var node = fileSystem.AddFile("file", "old"u8.ToArray());
        await using var mount = await TestMount.StartAsync(fileSystem);
        await TestMount.RunAsync(() =>
        {
            Assert.Equal("old", File.ReadAllText(mount.File("file")));
            Assert.False(File.Exists(mount.File("later")));
            node.Content = "new"u8.ToArray();
            fileSystem.AddFile("later", []);
            Assert.Equal("old", File.ReadAllText(mount.File("file")));
            Assert.False(File.Exists(mount.File("later")));
            Assert.True(fileSystem.Connection!.InvalidateInode(node.Id, 0, 0));
            Assert.True(fileSystem.Connection.InvalidateEntry(FuseDevice.RootId, "later"u8));
            Assert.True(fileSystem.Connection.InvalidateEntry(FuseDevice.RootId, "unknown"u8));
            Assert.True(SpinWait.SpinUntil(
                () => File.ReadAllText(mount.File("file")) == "new" && File.Exists(mount.File("later")),
                TestMount.Limit), "the kernel kept what it was told to drop");
            return true;
        });
    }

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    private static Task<TestMount> MountWithAsync(byte[] content)
    {
        var fileSystem = new TestFileSystem();
        fileSystem.AddFile("file", content);
        return TestMount.StartAsync(fileSystem);
    }
}
