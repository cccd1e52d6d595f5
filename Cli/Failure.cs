using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Cli;

/// <summary>An error as a person or a script gets it: one code, one sentence, one advice. The only place that knows both sides.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Message">What failed and why.</param>
/// <param name="Advice">What to do; empty when the message says it.</param>
internal sealed record Failure(int Code, string Message, string Advice)
{
    /// <summary>The line on stderr, after <c>ocache: </c>.</summary>
    public string Text => Advice.Length == 0 ? EndSentence(Message) : $"{EndSentence(Message)} {EndSentence(Capital(Advice))}";

    /// <summary>What an exception means.</summary>
    public static Failure From(Exception error, CancellationToken interrupted) => error switch
    {
        CommandFailedException own => new(own.Code, own.Message, own.Advice),
        PathNotFoundException e => new(ExitCode.NotFound, e.Message, e.Advice),
        WrongKindException e => new(ExitCode.Usage, e.Message, e.Advice),
        AccessRefusedException e => new(ExitCode.AccessDenied, e.Message, e.Advice),
        ClusterUnreachableException e => new(ExitCode.Unreachable, e.Message, e.Advice),
        CacheTimeoutException e => new(ExitCode.TimedOut, e.Message, e.Advice),
        CacheClientException e => new(ExitCode.Failed, e.Message, e.Advice),
        CacheRequestException e => new(CodeOf(e.Error), e.Message, string.Empty),
        FuseMountException e => new(CodeOf(e.Failure), e.Message, string.Empty),
        OcacheMountException e => new(CodeOf(e.Status), e.Message, string.Empty),
        OperationCanceledException when interrupted.IsCancellationRequested =>
            new(ExitCode.Interrupted, "interrupted", string.Empty),
        UnauthorizedAccessException e => new(ExitCode.AccessDenied, e.Message, "check the permissions of the local path"),
        DirectoryNotFoundException or FileNotFoundException =>
            new(ExitCode.NotFound, error.Message, "check the local path"),
        IOException e => new(ExitCode.Failed, e.Message, "see whether the local disk and the network are well"),
        ArgumentException e => new(ExitCode.Usage, e.Message, "see `ocache --help`"),
        _ => new(ExitCode.Failed, $"an unexpected {error.GetType().Name}: {error.Message}", "please report it as a bug"),
    };

    private static int CodeOf(RequestError error) => error switch
    {
        RequestError.NotFound => ExitCode.NotFound,
        RequestError.AccessDenied => ExitCode.AccessDenied,
        RequestError.Unavailable => ExitCode.Unreachable,
        _ => ExitCode.Usage,
    };

    private static int CodeOf(FuseMountFailure failure) => failure switch
    {
        FuseMountFailure.Missing or FuseMountFailure.NotMounted => ExitCode.NotFound,
        FuseMountFailure.NotDirectory or FuseMountFailure.NotEmpty or FuseMountFailure.AlreadyMounted => ExitCode.Usage,
        FuseMountFailure.NotPermitted => ExitCode.AccessDenied,
        _ => ExitCode.Failed,
    };

    private static int CodeOf(ReadStatus status) => status switch
    {
        ReadStatus.NotFound => ExitCode.NotFound,
        ReadStatus.NotADirectory or ReadStatus.InvalidRequest => ExitCode.Usage,
        ReadStatus.AccessDenied => ExitCode.AccessDenied,
        ReadStatus.DeadlineExceeded => ExitCode.TimedOut,
        _ => ExitCode.Unreachable,
    };

    private static string EndSentence(string text) => text.Length == 0 || text[^1] is '.' or '?' or '!' ? text : text + ".";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
