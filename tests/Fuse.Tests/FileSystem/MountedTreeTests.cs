using System.Globalization;
using System.Text;
using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>What programs see of a tree that stands still.</summary>
public sealed class MountedTreeTests
{
    private const int EIO = 5, EACCES = 13, ENOTDIR = 20, EROFS = 30, ERANGE = 34, ENAMETOOLONG = 36, ENODATA = 61;

    /// <summary>docs/SEMANTICS.md 1.1.</summary>
    [Theory]
    [InlineData(false, 10)]
    [InlineData(true, 10)]
    [InlineData(true, 0)]
    public async Task A_walk_sees_the_tree_as_it_is(bool answersLater, int leaseSeconds)
    {
        var view = new FakeNamespace
        {
            AnswersLater = answersLater,
            Lease = TimeSpan.FromSeconds(leaseSeconds),
            PageEntries = 7,
        };
        var expected = BuildTree(view, new Random(11));
        await using var mount = await TestMount.StartAsync(
            view, opener: new FakeOpener { IsResident = file => !answersLater || file.LengthBytes % 2 == 0 });
        var seen = await TestMount.OnThreadAsync(() => Walk(mount.Path));
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), seen.Keys.Order(StringComparer.Ordinal));
        foreach (var (path, file) in expected)
        {
            Assert.Equal(file.Kind == FileKind.File ? file.Content.ToArray() : null, seen[path]);
        }
    }

    /// <summary>docs/SEMANTICS.md 1.3.</summary>
    [Fact]
    public async Task Attributes_are_the_under_storages_to_the_nanosecond()
    {
        var view = new FakeNamespace();
        var file = view.AddFile("/f", 1000);
        file.Mode = 0x8000 | Convert.ToUInt32("640", 8);
        file.Links = 3;
        view.AddFile("/old", 1).ModifiedNs = -1_500_000_000;
        var device = view.Add("/null", view.NewFile(FileKind.Other, 0x2000 | Convert.ToUInt32("666", 8)));
        device.DeviceNumber = 0x103;
        await using var mount = await TestMount.StartAsync(view);
        Assert.Equal(
            $"1000 2 4096 640 3 1000 1001 {file.Id.InodeNumber} 1700000000.123456789 1700000000.123456790 1700000000.123456791 regular file",
            await StatAsync(mount.At("/f"), "%s %b %o %a %h %u %g %i %.9Y %.9Z %.9X %F"));
        Assert.Equal("-1.500000000", await StatAsync(mount.At("/old"), "%.9Y"));
        Assert.Equal("character special file 1 3", await StatAsync(mount.At("/null"), "%F %t %T"));
        Assert.Equal("1 directory", await StatAsync(mount.Path, "%i %F"));
        Assert.Equal("fuse", (await TestMount.RunAsync("stat", ["-f", "-c", "%T", mount.Path])).Output.Trim()[..4]);
        Assert.Equal(0, new DriveInfo(mount.Path).AvailableFreeSpace);
    }

    /// <summary>docs/SEMANTICS.md 1.4.</summary>
    [Fact]
    public async Task Names_are_bytes_and_come_back_as_they_are()
    {
        var view = new FakeNamespace();
        byte[][] names = [[0x66, 0xFF, 0xFE], "Zürich 数据"u8.ToArray(), [0xED, 0xA0, 0x80], [.. Enumerable.Repeat((byte)'x', 255)]];
        foreach (var name in names)
        {
            view.AddFile("/" + EntryName.FromBytes(name), 64);
        }

        view.Root.Children["no/name"] = view.NewFile(FileKind.File, 0x81A4);
        view.Root.Children[new string('y', 256)] = view.NewFile(FileKind.File, 0x81A4);
        await using var mount = await TestMount.StartAsync(view);
        using (var directory = TestLibc.Open(mount.Path, TestLibc.Directory))
        {
            var listed = TestLibc.ReadDirectory(directory).Select(entry => Convert.ToHexString(entry.Name)).ToHashSet();
            Assert.Equal(names.Select(Convert.ToHexString).Concat(["2E", "2E2E"]).ToHashSet(), listed);
        }

        foreach (var name in names)
        {
            using var file = TestLibc.Open(mount.At("/" + EntryName.FromBytes(name)));
            Assert.Equal(64, TestLibc.Read(file, new byte[100], 0));
        }

        Assert.Equal(2, mount.Mount.GetStatistics().UnlistableNames);
        Assert.Equal(ENAMETOOLONG, TestLibc.OpenErrno(mount.At("/" + new string('z', 256))));
    }

    /// <summary>docs/SEMANTICS.md 1.6.</summary>
    [Fact]
    public async Task Links_are_shown_as_they_are()
    {
        var view = new FakeNamespace();
        var target = "../elsewhere/" + EntryName.FromBytes([0xFF, 0x61]);
        view.AddLink("/l", target);
        view.AddLink("/inside", "d/f");
        view.AddDirectory("/d");
        view.AddFile("/d/f", 24);
        await using var mount = await TestMount.StartAsync(view);
        var (_, shown) = await TestMount.RunAsync("bash", ["-c", $"readlink -n {mount.At("/l")} | od -An -tx1 | tr -d ' \\n'"]);
        Assert.Equal(Convert.ToHexStringLower(EntryName.ToBytes(target)), shown);
        Assert.Equal(24, (await File.ReadAllBytesAsync(mount.At("/inside"))).Length);
    }

    /// <summary>docs/SEMANTICS.md 1.7.</summary>
    [Fact]
    public async Task Extended_attributes_tell_version_and_residency()
    {
        var view = new FakeNamespace { AnswersLater = true };
        var file = view.AddFile("/f", 24);
        view.AddDirectory("/d");
        await using var mount = await TestMount.StartAsync(view, opener: new FakeOpener { IsResident = _ => false });
        var key = new FileKey(file.Id.Low, file.Content.Seed).ToString();
        await TestMount.OnThreadAsync(() =>
        {
            var room = new byte[64];
            var path = mount.At("/f");
            Assert.Equal(32, TestLibc.GetXAttr(path, "user.ocache.version", room));
            Assert.Equal(key, Encoding.ASCII.GetString(room, 0, 32));
            Assert.Equal(2, TestLibc.GetXAttr(path, "user.ocache.cached_percent", room));
            Assert.Equal("42", Encoding.ASCII.GetString(room, 0, 2));
            Assert.Equal(32, TestLibc.GetXAttr(path, "user.ocache.version", default));
            Assert.Equal(-ERANGE, TestLibc.GetXAttr(path, "user.ocache.version", room.AsSpan(0, 31)));
            Assert.Equal(-ERANGE, TestLibc.GetXAttr(path, "user.ocache.cached_percent", room.AsSpan(0, 1)));
            Assert.Equal(-ENODATA, TestLibc.GetXAttr(path, "user.other", room));
            Assert.Equal(-ENODATA, TestLibc.GetXAttr(mount.At("/d"), "user.ocache.version", room));
            var length = TestLibc.ListXAttr(path, room);
            Assert.Equal("user.ocache.version\0user.ocache.cached_percent\0", Encoding.ASCII.GetString(room, 0, length));
            Assert.Equal(length, TestLibc.ListXAttr(path, default));
            Assert.Equal(-ERANGE, TestLibc.ListXAttr(path, room.AsSpan(0, 5)));
            Assert.Equal(0, TestLibc.ListXAttr(mount.At("/d"), room));
            return 0;
        });
    }

    /// <summary>docs/SEMANTICS.md 4.2.</summary>
    [Fact]
    public async Task Every_change_is_refused_with_EROFS()
    {
        var view = new FakeNamespace();
        view.AddFile("/f", 24);
        await using var mount = await TestMount.StartAsync(view);
        Assert.Equal(EROFS, TestLibc.OpenErrno(mount.At("/f"), TestLibc.WriteOnly));
        Assert.Equal(EROFS, TestLibc.OpenErrno(mount.At("/f"), TestLibc.ReadWrite));
        foreach (var command in new[] { "touch new", "mkdir d", "rm -f f", "ln f g", "mv f g", "chmod 600 f", "truncate -s 0 f" })
        {
            var (exitCode, output) = await TestMount.RunAsync("bash", ["-c", $"cd {mount.Path} && {command}"]);
            Assert.NotEqual(0, exitCode);
            Assert.Contains("Read-only file system", output, StringComparison.Ordinal);
        }
    }

    /// <summary>docs/SEMANTICS.md 4.1.</summary>
    [Fact]
    public async Task What_the_view_cannot_say_is_an_error_at_once_and_heals()
    {
        var view = new FakeNamespace { Lease = TimeSpan.Zero };
        view.AddFile("/f", 24);
        await using var mount = await TestMount.StartAsync(view);
        view.Failure = ReadStatus.Unavailable;
        Assert.Equal(EIO, TestLibc.OpenErrno(mount.At("/f")));
        view.Failure = ReadStatus.AccessDenied;
        Assert.Equal(EACCES, TestLibc.OpenErrno(mount.At("/f")));
        view.Failure = null;
        Assert.Equal(0, TestLibc.OpenErrno(mount.At("/f")));
        Assert.Equal(ENOTDIR, TestLibc.OpenErrno(mount.At("/f/g")));
    }

    /// <summary>docs/SEMANTICS.md 6.1.</summary>
    [Fact]
    public async Task A_directory_of_the_namespace_can_be_mounted_by_itself()
    {
        var view = new FakeNamespace();
        view.AddDirectory("/a");
        view.AddDirectory("/a/b");
        view.AddFile("/a/b/f", 24);
        view.AddFile("/g", 24);
        await using (var mount = await TestMount.StartAsync(view, subtree: "/a/b"))
        {
            Assert.Equal(["f"], Directory.EnumerateFileSystemEntries(mount.Path).Select(Path.GetFileName));
            Assert.Equal(24, (await File.ReadAllBytesAsync(mount.At("/f"))).Length);
            Assert.Equal("1", await StatAsync(mount.Path, "%i"));
        }

        var missing = await Assert.ThrowsAsync<OcacheMountException>(() => TestMount.StartAsync(view, subtree: "/a/x"));
        Assert.Equal("The namespace has no /a/x; 'ocache sources' and 'ocache ls /' show what it has.", missing.Message);
        Assert.Equal(ReadStatus.NotFound, missing.Status);
        Assert.Equal(
            ReadStatus.NotADirectory, (await Assert.ThrowsAsync<OcacheMountException>(() => TestMount.StartAsync(view, subtree: "/g"))).Status);
        Assert.Equal(
            ReadStatus.InvalidRequest,
            (await Assert.ThrowsAsync<OcacheMountException>(() => TestMount.StartAsync(view, subtree: "/a/../g"))).Status);
        view.Failure = ReadStatus.Unavailable;
        Assert.Equal(
            ReadStatus.Unavailable, (await Assert.ThrowsAsync<OcacheMountException>(() => TestMount.StartAsync(view, subtree: "/a"))).Status);
    }

    /// <summary>docs/SEMANTICS.md 6.2.</summary>
    [Fact]
    public async Task A_cancelled_mount_goes_away_and_lets_everything_go()
    {
        var view = new FakeNamespace();
        view.AddFile("/f", 24);
        await using var mount = await TestMount.StartAsync(view);
        using var file = TestLibc.Open(mount.At("/f"));
        using var stop = new CancellationTokenSource();
        var exit = mount.Mount.WaitForExitAsync(stop.Token);
        Assert.False(exit.IsCompleted);
        await stop.CancelAsync();
        await exit.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.DoesNotContain(FuseMount.List(), entry => entry.Path == mount.Path);
        Assert.Equal(0, mount.Opener.OpenReaders);
    }

    /// <summary>docs/SEMANTICS.md 6.2.</summary>
    [Fact]
    public async Task Unmounting_from_outside_ends_the_mount()
    {
        await using var mount = await TestMount.StartAsync(new FakeNamespace());
        var exit = mount.Mount.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(0, (await TestMount.RunAsync("umount", [mount.Path])).ExitCode);
        await exit.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static Dictionary<string, FakeFile> BuildTree(FakeNamespace view, Random random)
    {
        var expected = new Dictionary<string, FakeFile>();
        var directories = new List<string> { "" };
        for (var index = 0; index < 120; index++)
        {
            var path = $"{directories[random.Next(directories.Count)]}/{random.Next(1000).ToString(CultureInfo.InvariantCulture)}-{index}";
            expected[path] = random.Next(5) switch
            {
                0 => view.AddDirectory(path),
                1 => view.AddLink(path, "/nowhere"),
                _ => view.AddFile(path, random.Next(4) == 0 ? 0 : random.Next(300_000)),
            };
            if (expected[path].Kind == FileKind.Directory)
            {
                directories.Add(path);
            }
        }

        return expected;
    }

    private static Dictionary<string, byte[]?> Walk(string root)
    {
        var seen = new Dictionary<string, byte[]?>();
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            var isPlain = entry is FileInfo && entry.LinkTarget is null;
            seen[entry.FullName[root.Length..]] = isPlain ? File.ReadAllBytes(entry.FullName) : null;
        }

        return seen;
    }

    private static async Task<string> StatAsync(string path, string format) =>
        (await TestMount.RunAsync("stat", ["-c", format, path])).Output.Trim();
}
