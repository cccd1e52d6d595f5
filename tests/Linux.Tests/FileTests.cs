namespace OrleansCache.Linux.Tests;

/// <summary>The calls that the rules on leases and cache files stand on.</summary>
public sealed class FileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocache-linux-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_shared_lock_keeps_the_exclusive_one_of_another_description_out_until_it_is_closed()
    {
        var path = Write("file", 10);
        using var puncher = FileOpening.Open(path, OpenFlags.ReadWrite);
        var first = FileOpening.Open(path, OpenFlags.ReadOnly);
        using (var second = FileOpening.Open(path, OpenFlags.ReadOnly))
        {
            Assert.True(FileLock.TryLockShared(first));
            Assert.True(FileLock.TryLockShared(second));
            first.Dispose();
            Assert.False(FileLock.TryLockExclusive(puncher));
        }

        Assert.True(FileLock.TryLockExclusive(puncher));
        FileLock.Unlock(puncher);
    }

    [Fact]
    public void A_punched_range_reads_as_zeros_and_the_rest_stays()
    {
        var path = Write("file", 3 * 65536);
        using (var file = FileOpening.Open(path, OpenFlags.ReadWrite))
        {
            FileSpace.PunchHole(file, 65536, 65536);
            FileSpace.Sync(file);
        }

        var bytes = File.ReadAllBytes(path);
        Assert.Equal(3 * 65536, bytes.Length);
        Assert.All(bytes[65536..131072], value => Assert.Equal(0, value));
        Assert.All(bytes[..65536].Concat(bytes[131072..]), value => Assert.Equal(7, value));
    }

    [Fact]
    public void A_missing_file_is_an_errno_or_an_exception_that_names_it()
    {
        var path = Path.Combine(_folder, "missing");
        Assert.Null(FileOpening.TryOpen(path, OpenFlags.ReadOnly, 0, out var errno));
        Assert.Equal(FileSpace.NoSuchFile, errno);
        var failure = Assert.Throws<LinuxFileException>(() => FileOpening.Open(path, OpenFlags.ReadOnly));
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_status_tells_links_from_what_they_point_to()
    {
        Write("file", 5);
        var link = Path.Combine(_folder, "link");
        File.CreateSymbolicLink(link, "file");
        Assert.Equal(Errno.None, FileStatus.Get(link, followLinks: false, out var own));
        Assert.Equal(Errno.None, FileStatus.Get(link, followLinks: true, out var target));
        Assert.True(own.IsLink);
        Assert.False(target.IsLink);
    }

    [Fact]
    public unsafe void Anonymous_memory_is_page_aligned_zeroed_and_writable()
    {
        using var memory = new AnonymousMemory(100_000);
        Assert.Equal(0UL, (ulong)memory.Address % 4096);
        var bytes = new Span<byte>(memory.Address, 100_000);
        Assert.True(bytes.IndexOfAnyExcept((byte)0) < 0);
        bytes.Fill(1);
        Assert.Equal(1, bytes[^1]);
    }

    private string Write(string name, int lengthBytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, Enumerable.Repeat((byte)7, lengthBytes).ToArray());
        return path;
    }
}
