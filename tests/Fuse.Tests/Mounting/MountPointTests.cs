using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>Where one may mount, and what happens to what lies there already.</summary>
[Collection(MountCollection.Name)]
public sealed class MountPointTests : IDisposable
{
    private readonly string _directory = TestMount.NewDirectory();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [MountFact]
    public async Task A_missing_mount_point_says_how_to_make_it()
    {
        var exception = await FailsAsync(Path.Combine(_directory, "none"), FuseMountFailure.Missing);
        Assert.Contains("mkdir", exception.Message, StringComparison.Ordinal);
    }

    [MountFact]
    public async Task A_file_is_no_mount_point()
    {
        var path = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(path, "x");
        await FailsAsync(path, FuseMountFailure.NotDirectory);
        await FailsAsync(Path.Combine(path, "below"), FuseMountFailure.NotDirectory);
        File.Delete(path);
    }

    [MountFact]
    public async Task A_directory_with_entries_is_only_hidden_when_asked_for()
    {
        var path = Directory.CreateDirectory(Path.Combine(_directory, "full")).FullName;
        await File.WriteAllTextAsync(Path.Combine(path, "entry"), "x");
        await FailsAsync(path, FuseMountFailure.NotEmpty);
        await using var mount = await FuseMount.MountAsync(
            path, new TestFileSystem(), new FuseMountOptions { AllowNotEmpty = true },
            new FuseSessionOptions { Threads = 1 }, TimeProvider.System, NullLogger.Instance);
        Assert.False(File.Exists(Path.Combine(path, "entry")));
    }

    [MountFact]
    public async Task A_second_mount_at_the_same_place_is_refused_and_the_first_goes_on()
    {
        var fileSystem = new TestFileSystem();
        fileSystem.AddFile("file", "here"u8.ToArray());
        await using var mount = await TestMount.StartAsync(fileSystem);
        await FailsAsync(mount.Directory, FuseMountFailure.AlreadyMounted);
        Assert.Equal("here", await TestMount.RunAsync(() => File.ReadAllText(mount.File("file"))));
    }

    [MountFact]
    public async Task A_mount_that_does_not_answer_is_not_waited_for()
    {
        var fileSystem = new TestFileSystem { Validity = TimeSpan.Zero };
        var asked = new List<FuseReplyToken>();
        fileSystem.OnGetAttr = (in FuseRequest request) =>
        {
            asked.Add(request.Defer());
            return FuseReply.Deferred;
        };
        await using var mount = await TestMount.StartAsync(fileSystem, new FuseSessionOptions { Threads = 1 });
        var options = new FuseMountOptions { HelperTimeout = TimeSpan.FromMilliseconds(200) };
        await FailsAsync(mount.Directory, FuseMountFailure.AlreadyMounted, options);
    }

    [MountFact]
    public async Task Dead_mounts_of_ours_are_cleared_away_in_any_number()
    {
        for (var layer = 0; layer < 2; layer++)
        {
            using var device = MountAndLeave(_directory, FuseMountOptions.FileSystemType);
        }

        Assert.Equal(Errno.NotConnected, FileStatus.GetFresh(_directory, out _));
        var fileSystem = new TestFileSystem();
        fileSystem.AddFile("file", "alive"u8.ToArray());
        await using (var mount = await FuseMount.MountAsync(
            _directory, fileSystem, new FuseMountOptions(), new FuseSessionOptions { Threads = 2 },
            TimeProvider.System, NullLogger.Instance))
        {
            Assert.Equal("alive", await TestMount.RunAsync(() => File.ReadAllText(Path.Combine(_directory, "file"))));
            Assert.Single(FuseMount.List(), entry => entry.Path == _directory);
        }

        Assert.Null(MountTable.Find(_directory));
    }

    [MountFact]
    public async Task A_dead_mount_of_somebody_else_is_left_alone()
    {
        using (MountAndLeave(_directory, "fuse.someone"))
        {
        }

        try
        {
            await FailsAsync(_directory, FuseMountFailure.Stale);
            Assert.Equal("fuse.someone", MountTable.Find(_directory)?.FileSystemType);
            var exception = Assert.Throws<FuseMountException>(() => FuseMount.Unmount(_directory, forced: true));
            Assert.Equal(FuseMountFailure.NotMounted, exception.Failure);
        }
        finally
        {
            Assert.Equal(Errno.None, MountCalls.Unmount(_directory, UnmountFlags.Detach));
        }
    }

    [MountFact]
    public async Task Links_and_blanks_on_the_way_are_resolved_as_the_kernel_lists_them()
    {
        var real = Directory.CreateDirectory(Path.Combine(_directory, "real place")).FullName;
        var link = Path.Combine(_directory, "link");
        File.CreateSymbolicLink(link, real);
        var mount = await FuseMount.MountAsync(
            link + "/", new TestFileSystem(), new FuseMountOptions(), new FuseSessionOptions { Threads = 1 },
            TimeProvider.System, NullLogger.Instance);
        Assert.Equal(real, mount.Path);
        Assert.Single(FuseMount.List(), entry => entry.Path == real);
        FuseMount.Unmount(link, forced: false);
        await mount.Completion.WaitAsync(TestMount.Limit);
        Assert.Null(MountTable.Find(real));
        await mount.StopAsync();
    }

    [MountFact]
    public void Unmounting_what_is_not_mounted_says_so() => Assert.Equal(
        FuseMountFailure.NotMounted,
        Assert.Throws<FuseMountException>(() => FuseMount.Unmount(_directory, forced: false)).Failure);

    /// <summary>A mount whose daemon dies when the returned descriptor is closed.</summary>
    private static Microsoft.Win32.SafeHandles.SafeFileHandle MountAndLeave(string path, string type)
    {
        var device = FileOpening.Open("/dev/fuse", OpenFlags.ReadWrite);
        var options = $"fd={device.DangerousGetHandle()},rootmode=40000,user_id=0,group_id=0";
        Assert.Equal(Errno.None, MountCalls.Mount("test", path, type, MountFlags.ReadOnly, options));
        return device;
    }

    private static async Task<FuseMountException> FailsAsync(
        string path, FuseMountFailure failure, FuseMountOptions? options = null)
    {
        var exception = await Assert.ThrowsAsync<FuseMountException>(() => FuseMount.MountAsync(
            path, new TestFileSystem(), options ?? new FuseMountOptions(), new FuseSessionOptions { Threads = 1 },
            TimeProvider.System, NullLogger.Instance));
        Assert.Equal(failure, exception.Failure);
        return exception;
    }
}
