using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Cli.Tests;

public sealed class FailureTests
{
    public static TheoryData<Exception, int> Codes => new()
    {
        { CacheClientException.From(ReadStatus.NotFound, "/x", "reading"), ExitCode.NotFound },
        { CacheClientException.From(ReadStatus.IsADirectory, "/x", "reading"), ExitCode.Usage },
        { CacheClientException.From(ReadStatus.AccessDenied, "/x", "reading"), ExitCode.AccessDenied },
        { CacheClientException.From(ReadStatus.Unavailable, "/x", "reading"), ExitCode.Unreachable },
        { CacheClientException.From(ReadStatus.DeadlineExceeded, "/x", "reading"), ExitCode.TimedOut },
        { CacheClientException.From(ReadStatus.StaleVersion, "/x", "reading"), ExitCode.Failed },
        { new CacheRequestException(RequestError.InvalidArgument, "no scheme gopher"), ExitCode.Usage },
        { new CacheRequestException(RequestError.AlreadyExists, "the path is taken"), ExitCode.Usage },
        { new CacheRequestException(RequestError.NotFound, "nothing there"), ExitCode.NotFound },
        { new CacheRequestException(RequestError.AccessDenied, "denied"), ExitCode.AccessDenied },
        { new CacheRequestException(RequestError.Unavailable, "down"), ExitCode.Unreachable },
        { new FuseMountException(FuseMountFailure.Missing, "missing"), ExitCode.NotFound },
        { new FuseMountException(FuseMountFailure.NotEmpty, "not empty"), ExitCode.Usage },
        { new FuseMountException(FuseMountFailure.NotPermitted, "no rights"), ExitCode.AccessDenied },
        { new FuseMountException(FuseMountFailure.Busy, "busy"), ExitCode.Failed },
        { new OcacheMountException(ReadStatus.NotFound, "no such path"), ExitCode.NotFound },
        { new DirectoryNotFoundException("no such folder"), ExitCode.NotFound },
        { new UnauthorizedAccessException("no"), ExitCode.AccessDenied },
        { new IOException("disk full"), ExitCode.Failed },
        { new InvalidOperationException("bug"), ExitCode.Failed },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public void Every_error_has_its_code_and_reads_as_sentences(Exception error, int code)
    {
        var failure = Failure.From(error, default);
        Assert.Equal(code, failure.Code);
        Assert.EndsWith(".", failure.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("..", failure.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_our_own_signal_is_an_interruption()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Equal(ExitCode.Interrupted, Failure.From(new OperationCanceledException(), stop.Token).Code);
        Assert.Equal(ExitCode.Failed, Failure.From(new OperationCanceledException(), default).Code);
    }

    [Fact]
    public void Codes_have_words()
    {
        int[] codes =
        [
            ExitCode.Failed, ExitCode.Usage, ExitCode.NotFound, ExitCode.Unreachable, ExitCode.AccessDenied, ExitCode.TimedOut,
            ExitCode.Interrupted,
        ];
        Assert.Equal([1, 2, 3, 4, 5, 6, 130], codes);
        Assert.Equal(codes.Length, codes.Select(ExitCode.KindOf).Distinct().Count());
    }
}
