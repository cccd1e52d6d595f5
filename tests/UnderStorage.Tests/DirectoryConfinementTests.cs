using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests;

/// <summary>Nothing outside the root is ever seen, whatever the path or the directory says.</summary>
public sealed class DirectoryConfinementTests
{
    [Theory]
    [InlineData("..")]
    [InlineData("../etc/passwd")]
    [InlineData("d/../../etc/passwd")]
    [InlineData("d/..")]
    [InlineData("/etc/passwd")]
    [InlineData("d//f")]
    [InlineData("d/")]
    [InlineData("./d")]
    [InlineData("d/f\0x")]
    public async Task Paths_that_are_not_clean_do_not_exist(string path)
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d; echo x > d/f");
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync(path, TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.ListAsync(path)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.ReadLinkAsync(path, TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.ReadAsync(path, await source.StatAsync("d/f"))).Status);
    }

    [Fact]
    public async Task No_link_is_followed_neither_out_nor_inside()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d; echo x > d/f; ln -s /etc out; ln -s d in; ln -s /etc/passwd file; ln -s /proc/self/root magic");
        foreach (var path in (string[])["out/passwd", "in/f", "magic/etc/passwd", "file/x"])
        {
            Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync(path, TempSource.Soon)).Status);
        }

        Assert.NotEqual(ReadStatus.Ok, (await source.ListAsync("out")).Status);
        var link = await source.StatAsync("file");
        Assert.NotEqual(ReadStatus.Ok, (await source.ReadAsync("file", link)).Status);
    }

    [Fact]
    public async Task A_link_swapped_in_during_use_is_never_followed()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d e; printf inside > d/f; ln -s /etc/ swap");
        File.Copy(source.At("d/f"), source.At("e/passwd"));
        var stop = new CancellationTokenSource();
        var swapper = Task.Factory.StartNew(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    Directory.Move(source.At("e"), source.At("was"));
                    File.CreateSymbolicLink(source.At("e"), "/etc");
                    File.Delete(source.At("e"));
                    Directory.Move(source.At("was"), source.At("e"));
                }
            },
            TaskCreationOptions.LongRunning);

        var inside = await source.StatAsync("d/f");
        var seen = 0;
        for (var round = 0; round < 2000; round++)
        {
            var outcome = await source.Storage.StatAsync("e/passwd", TempSource.Soon);
            if (outcome.Status == ReadStatus.Ok)
            {
                seen++;
                Assert.Equal(inside.Version.LengthBytes, outcome.Metadata.Version.LengthBytes);
            }
            else
            {
                Assert.True(outcome.Status is ReadStatus.NotFound or ReadStatus.Unavailable, outcome.Status.ToString());
            }
        }

        await stop.CancelAsync();
        await swapper;
        Assert.True(seen > 0, "the file was never there: the test saw nothing");
    }
}
