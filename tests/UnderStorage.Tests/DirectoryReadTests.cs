using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories;

namespace OrleansCache.UnderStorage.Tests;

public sealed class DirectoryReadTests
{
    private const int Length = (3 << 20) + 17;

    [Fact]
    public async Task Any_range_of_a_version_is_read_in_pieces()
    {
        await using var source = await TempSource.CreateAsync();
        var content = new byte[Length];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(source.At("f"), content);
        var seen = await source.StatAsync("f");
        foreach (var (offset, count) in (ValueTuple<int, int>[])[(0, Length), (1, 1), (Length - 1, 1), (1 << 20, 2 << 20), (7, 0), (Length, 0)])
        {
            var bytes = new byte[count];
            Assert.Equal(ReadStatus.Ok, await source.Storage.ReadAsync("f", seen.Id, seen.Version, offset, bytes, TempSource.Soon));
            Assert.True(content.AsSpan(offset, count).SequenceEqual(bytes));
        }

        foreach (var (offset, count) in (ValueTuple<long, int>[])[(-1, 1), (Length, 1), (Length - 1, 2), (long.MaxValue, 1)])
        {
            var status = await source.Storage.ReadAsync("f", seen.Id, seen.Version, offset, new byte[count], TempSource.Soon);
            Assert.Equal(ReadStatus.InvalidRequest, status);
        }
    }

    [Fact]
    public async Task Another_version_or_another_file_is_stale()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo one > f");
        var seen = await source.StatAsync("f");
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);

        source.Shell("echo two > f");
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", seen)).Status);
        var second = await source.StatAsync("f");
        var (status, bytes) = await source.ReadAsync("f", second);
        Assert.Equal((ReadStatus.Ok, "two\n"), (status, TempSource.Utf8(bytes)));

        source.Shell("echo 333 > g; mv g f");
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", second)).Status);
        source.Shell("rm f; mkfifo f");
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", second)).Status);
        source.Shell("rm f");
        Assert.Equal(ReadStatus.NotFound, (await source.ReadAsync("f", second)).Status);
    }

    [Fact]
    public async Task A_file_just_written_is_read_at_once_where_the_file_system_tells_versions_apart()
    {
        await using var source = await TempSource.CreateAsync();
        await File.WriteAllBytesAsync(source.At("f"), TempSource.Filled(100, 1));
        var seen = await source.StatAsync("f");
        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
        var took = TimeProvider.System.GetElapsedTime(began);
        if (HasMultigrainTimes(source.Root))
        {
            Assert.True(took < ProofOfVersion.Window / 2, $"took {took}");
        }
        else
        {
            Assert.True(took > ProofOfVersion.Window / 2, $"took {took}");
        }
    }

    [Fact]
    public async Task A_file_still_open_for_writing_is_proven_by_waiting()
    {
        await using var source = await TempSource.CreateAsync();
        await using var writer = new FileStream(source.At("f"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        writer.Write(TempSource.Filled(100, 1));
        writer.Flush();
        var seen = await source.StatAsync("f");
        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
        var took = TimeProvider.System.GetElapsedTime(began);
        Assert.True(took > ProofOfVersion.Window / 2, $"took {took}");
    }

    [Fact]
    public async Task Files_stay_open_between_reads_and_are_bounded()
    {
        await using var source = await TempSource.CreateAsync(new() { MaxOpenFiles = 3 });
        source.Shell("for i in 1 2 3 4 5; do echo $i > f$i; done");
        for (var i = 1; i <= 5; i++)
        {
            var seen = await source.StatAsync($"f{i}");
            Assert.Equal(ReadStatus.Ok, (await source.ReadAsync($"f{i}", seen)).Status);
            Assert.Equal(ReadStatus.Ok, (await source.ReadAsync($"f{i}", seen)).Status);
        }

        Assert.Equal(3, ((DirectoryUnderStorage)source.Storage).OpenFileCount);
    }

    [Fact]
    public async Task After_disposal_answers_are_Unavailable()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo one > f");
        var seen = await source.StatAsync("f");
        await source.Storage.DisposeAsync();
        Assert.Equal(ReadStatus.Unavailable, (await source.ReadAsync("f", seen)).Status);
        Assert.Equal(ReadStatus.Unavailable, (await source.Storage.StatAsync("f", TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.Unavailable, (await source.ListAsync("")).Status);
    }

    private static bool HasMultigrainTimes(string path)
    {
        var type = new DriveInfo(path).DriveFormat;
        return Environment.OSVersion.Version >= new Version(6, 13) && type is "ext4" or "ext3" or "ext2" or "xfs" or "btrfs" or "tmpfs";
    }
}
