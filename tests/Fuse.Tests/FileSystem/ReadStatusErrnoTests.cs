using System.Diagnostics;
using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.FileSystem;

public sealed class ReadStatusErrnoTests
{
    /// <summary>docs/SEMANTICS.md 4.1.</summary>
    [Fact]
    public void Every_status_has_an_errno_and_none_is_EAGAIN()
    {
        foreach (var status in Enum.GetValues<ReadStatus>())
        {
            var error = ReadStatusErrno.ToErrno(status);
            Assert.Equal(status == ReadStatus.Ok, error == Errno.None);
            Assert.NotEqual(Errno.Again, error);
            Assert.NotEqual(Errno.NotImplemented, error);
        }

        Assert.Throws<UnreachableException>(() => ReadStatusErrno.ToErrno((ReadStatus)200));
    }

    /// <summary>docs/SEMANTICS.md 4.1.</summary>
    [Theory]
    [InlineData(ReadStatus.NotFound, Errno.NoEntry)]
    [InlineData(ReadStatus.NotADirectory, Errno.NotDirectory)]
    [InlineData(ReadStatus.IsADirectory, Errno.IsDirectory)]
    [InlineData(ReadStatus.AccessDenied, Errno.AccessDenied)]
    [InlineData(ReadStatus.StaleVersion, Errno.Stale)]
    [InlineData(ReadStatus.DeadlineExceeded, Errno.InputOutput)]
    [InlineData(ReadStatus.Unavailable, Errno.InputOutput)]
    [InlineData(ReadStatus.NotSupported, Errno.NotSupported)]
    public void The_documented_ones_are(ReadStatus status, Errno error) => Assert.Equal(error, ReadStatusErrno.ToErrno(status));
}
