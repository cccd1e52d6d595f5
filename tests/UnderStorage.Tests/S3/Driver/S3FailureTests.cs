using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3FailureTests
{
    [Theory]
    [InlineData(404, "NoSuchKey", "NotFound", ReadStatus.NotFound)]
    [InlineData(404, "NoSuchBucket", "NotFound", ReadStatus.NotFound)]
    [InlineData(404, "", "NotFound", ReadStatus.NotFound)]
    [InlineData(412, "PreconditionFailed", "Changed", ReadStatus.StaleVersion)]
    [InlineData(416, "InvalidRange", "Changed", ReadStatus.StaleVersion)]
    [InlineData(403, "AccessDenied", "Denied", ReadStatus.AccessDenied)]
    [InlineData(403, "", "Denied", ReadStatus.AccessDenied)]
    [InlineData(403, "RequestTimeTooSkewed", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(403, "ExpiredToken", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(400, "ExpiredToken", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(403, "SignatureDoesNotMatch", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(403, "InvalidAccessKeyId", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(401, "", "BadCredentials", ReadStatus.Unavailable)]
    [InlineData(403, "InvalidObjectState", "Refused", ReadStatus.Unavailable)]
    [InlineData(400, "RequestTimeout", "Failed", ReadStatus.Unavailable)]
    [InlineData(400, "AuthorizationHeaderMalformed", "Refused", ReadStatus.Unavailable)]
    [InlineData(301, "PermanentRedirect", "Refused", ReadStatus.Unavailable)]
    [InlineData(501, "NotImplemented", "Refused", ReadStatus.Unavailable)]
    [InlineData(408, "", "Failed", ReadStatus.Unavailable)]
    [InlineData(500, "InternalError", "Failed", ReadStatus.Unavailable)]
    [InlineData(502, "", "Failed", ReadStatus.Unavailable)]
    [InlineData(504, "", "Failed", ReadStatus.Unavailable)]
    [InlineData(503, "SlowDown", "Throttled", ReadStatus.Unavailable)]
    [InlineData(503, "", "Throttled", ReadStatus.Unavailable)]
    [InlineData(429, "", "Throttled", ReadStatus.Unavailable)]
    [InlineData(509, "", "Throttled", ReadStatus.Unavailable)]
    public void Every_answer_has_its_meaning(int status, string code, string verdict, ReadStatus expected)
    {
        var failure = S3Failure.OfAnswer(status, code, null);
        Assert.Equal(verdict, failure.Verdict.ToString());
        Assert.Equal(expected, S3Failure.ToStatus(failure.Verdict));
    }

    [Fact]
    public void A_wrong_clock_is_told_from_a_missing_right()
    {
        Assert.Equal(S3Verdict.BadCredentials, S3Failure.OfAnswer(403, "", TimeSpan.FromMinutes(-20)).Verdict);
        Assert.Equal(S3Verdict.BadCredentials, S3Failure.OfAnswer(403, "", TimeSpan.FromMinutes(20)).Verdict);
        Assert.Equal(S3Verdict.Denied, S3Failure.OfAnswer(403, "", TimeSpan.FromMinutes(2)).Verdict);
        Assert.Equal(S3Verdict.NotFound, S3Failure.OfAnswer(404, "", TimeSpan.FromHours(2)).Verdict);
    }

    [Fact]
    public void Connections_that_fail_are_told_from_callers_who_left_and_from_defects()
    {
        Assert.Equal(S3Verdict.Cancelled, Of(new OperationCanceledException(), isCallers: true));
        Assert.Equal(S3Verdict.Unreachable, Of(new TaskCanceledException()));
        Assert.Equal(S3Verdict.Unreachable, Of(new HttpRequestException(HttpRequestError.ConnectionError)));
        Assert.Equal(S3Verdict.Unreachable, Of(new IOException()));
        Assert.Equal(S3Verdict.Unreachable, Of(new AmazonClientException("x", new HttpRequestException("x"))));
        Assert.Equal(S3Verdict.Failed, Of(new AmazonUnmarshallingException("id", "where", new IOException())));
        Assert.Equal(S3Verdict.BadCredentials, Of(new AmazonClientException("no credentials")));
        Assert.Equal(S3Verdict.Throttled, Of(new AmazonS3Exception("x") { StatusCode = HttpStatusCode.ServiceUnavailable }));
        Assert.Null(Of(new InvalidOperationException()));
        Assert.Null(Of(new NullReferenceException()));
    }

    [Fact]
    public void What_is_said_of_a_failure_has_none_of_the_stores_text()
    {
        var said = S3Failure.Of(
            new AmazonS3Exception("hunter2") { StatusCode = HttpStatusCode.Forbidden, ErrorCode = "SignatureDoesNotMatch" }, false, default);
        Assert.Equal("SignatureDoesNotMatch, HTTP 403", said.ToString());
    }

    [Fact]
    public void Pauses_grow_have_jitter_and_end()
    {
        var plan = new RetryPlan(new Random(3));
        var pauses = new List<double>();
        while (plan.Next(S3Verdict.Unreachable, () => false) is { } pause)
        {
            pauses.Add(pause.TotalMilliseconds);
        }

        Assert.Equal(RetryPlan.MaxAttempts - 1, pauses.Count);
        Assert.InRange(pauses[0], 0, 50);
        Assert.InRange(pauses[1], 0, 100);
        Assert.All(pauses, pause => Assert.InRange(pause, 0, RetryPlan.LongestPause.TotalMilliseconds));
        Assert.InRange(pauses.Skip(10).Average(), 1500, 2500);
        Assert.True(pauses.Distinct().Count() > 60);
    }

    [Fact]
    public void What_will_not_change_is_not_asked_again_and_credentials_once()
    {
        foreach (var verdict in (S3Verdict[])
            [S3Verdict.NotFound, S3Verdict.Changed, S3Verdict.Denied, S3Verdict.Refused, S3Verdict.Cancelled, S3Verdict.Ok])
        {
            Assert.Null(new RetryPlan(Random.Shared).Next(verdict, () => true));
        }

        var plan = new RetryPlan(Random.Shared);
        Assert.Equal(TimeSpan.Zero, plan.Next(S3Verdict.BadCredentials, () => true));
        Assert.Null(plan.Next(S3Verdict.BadCredentials, () => true));
        Assert.Null(new RetryPlan(Random.Shared).Next(S3Verdict.BadCredentials, () => false));
    }

    [Theory]
    [InlineData("bytes 0-0/1", 0, 0, 1)]
    [InlineData("bytes 5-9/1000000000000", 5, 9, 1000000000000)]
    [InlineData("Bytes 5-9/10", 5, 9, 10)]
    public void Content_ranges_are_read(string text, long first, long last, long total)
    {
        Assert.True(ContentRange.TryParse(text, out var range));
        Assert.Equal(new ContentRange(first, last, total), range);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("bytes */10")]
    [InlineData("bytes 0-9/*")]
    [InlineData("bytes 9-0/10")]
    [InlineData("bytes 0-10/10")]
    [InlineData("bytes -1-5/10")]
    [InlineData("bytes 0-99999999999999999999/10")]
    [InlineData("items 0-1/2")]
    [InlineData("bytes 0/1-2")]
    public void What_is_no_content_range_is_not(string? text) => Assert.False(ContentRange.TryParse(text, out _));

    private static S3Verdict? Of(Exception exception, bool isCallers = false) =>
        S3Failure.Of(exception, isCallers, DateTimeOffset.UnixEpoch)?.Verdict;
}
