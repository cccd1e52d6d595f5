using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;
using OrleansCache.Fuse.Tests.Session;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>Mounts through the set-user-id helper; it works for root too, which lets these tests use it.</summary>
[Collection(MountCollection.Name)]
public sealed class FusermountTests
{
    private static readonly FuseMountOptions Options = new();

    [FusermountFact]
    public async Task The_helper_mounts_hands_over_the_descriptor_and_unmounts()
    {
        var directory = TestMount.NewDirectory();
        var fileSystem = new TestFileSystem();
        fileSystem.AddFile("file", "by helper"u8.ToArray());
        var device = Fusermount.Mount(directory, KernelMount.HelperOptions(Options, 1 << 20), Options);
        await using var session = FuseSession.Start(
            device, fileSystem, new FuseSessionOptions { Threads = 2 }, TimeProvider.System, NullLogger.Instance);
        Assert.Single(FuseMount.List(), entry => entry.Path == directory);
        Assert.Equal(
            "by helper", await TestMount.RunAsync(() => File.ReadAllText(Path.Combine(directory, "file"))));
        Fusermount.Unmount(directory, forced: false, Options);
        await session.Completion.WaitAsync(TestMount.Limit);
        Assert.Null(MountTable.Find(directory));
        Directory.Delete(directory);
    }

    [FusermountFact]
    public void What_the_helper_complains_of_is_told()
    {
        var exception = Assert.Throws<FuseMountException>(
            () => Fusermount.Mount("/nowhere", KernelMount.HelperOptions(Options, 1 << 20), Options));
        Assert.Equal(FuseMountFailure.NotPermitted, exception.Failure);
        Assert.Contains("/nowhere", exception.Message, StringComparison.Ordinal);
    }

    [MountFact]
    public void A_missing_helper_names_its_package()
    {
        var options = new FuseMountOptions { FusermountPath = "fusermount-that-is-not-there" };
        var exception = Assert.Throws<FuseMountException>(
            () => Fusermount.Mount("/nowhere", KernelMount.HelperOptions(options, 1 << 20), options));
        Assert.Contains("fuse3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rootless_mount_is_read_only_and_private_unless_asked_for()
    {
        var text = KernelMount.HelperOptions(Options, 4096);
        Assert.Contains("ro,nosuid,nodev", text, StringComparison.Ordinal);
        Assert.DoesNotContain("allow_other", text, StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"max_read={4096}"), text, StringComparison.Ordinal);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class FusermountFactAttribute : FactAttribute
    {
        public FusermountFactAttribute()
        {
            if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/fusermount3"))
            {
                Skip = "needs root and fusermount3";
            }
        }
    }
}
