using System.Globalization;
using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Why an attempt failed.</summary>
/// <param name="Verdict">What it means.</param>
/// <param name="Code">The store's error code or the kind of network error: no secrets, no text of the store's.</param>
/// <param name="Status">HTTP status; 0 = there was no answer.</param>
internal readonly record struct S3Failure(S3Verdict Verdict, string Code, int Status)
{
    /// <summary>Beyond this a signature is refused (S3's rule is fifteen minutes).</summary>
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(14);

    /// <summary>What may be said in logs and messages.</summary>
    public override string ToString() =>
        Status == 0 ? Code : string.Create(CultureInfo.InvariantCulture, $"{Code}, HTTP {Status}");

    /// <summary>Reads an exception of the SDK, of the connection or of us.</summary>
    /// <param name="exception">It.</param>
    /// <param name="isCallers">Whether the caller's own token ended it.</param>
    /// <param name="now">The time, to tell a wrong clock from a missing right where the answer has no body.</param>
    /// <returns>Null when it is none of theirs: a defect, to be thrown on.</returns>
    public static S3Failure? Of(Exception exception, bool isCallers, DateTimeOffset now) => exception switch
    {
        OperationCanceledException => isCallers
            ? new(S3Verdict.Cancelled, "cancelled", 0) : new(S3Verdict.Unreachable, "timeout", 0),
        AmazonUnmarshallingException => new(S3Verdict.Failed, "answer cannot be read", 0),
        AmazonServiceException { StatusCode: not 0 } service => OfAnswer(
            (int)service.StatusCode, service.ErrorCode ?? "", now - AnsweredAt(service)),
        AmazonServiceException { InnerException: { } inner } => Of(inner, isCallers, now)
            ?? new(S3Verdict.Refused, inner.GetType().Name, 0),
        HttpRequestException { InnerException: AuthenticationException } => new(S3Verdict.Refused, "TLS", 0),
        HttpRequestException http => new(S3Verdict.Unreachable, http.HttpRequestError.ToString(), 0),
        IOException => new(S3Verdict.Unreachable, "connection lost", 0),
        AmazonClientException { InnerException: HttpRequestException or IOException or OperationCanceledException } client =>
            Of(client.InnerException!, isCallers, now),

        // The SDK itself: credentials it could not get, an answer it could not read.
        AmazonClientException client => new(S3Verdict.BadCredentials, client.GetType().Name, 0),
        CacheRequestException { Error: RequestError.AccessDenied } => new(S3Verdict.BadCredentials, "no credentials", 0),

        // Of the SDK's parsers: a body that ends early, a number or a time that is none.
        System.Xml.XmlException or FormatException or OverflowException => new(S3Verdict.Failed, "answer cannot be read", 0),
        _ => null,
    };

    /// <summary>The table of answers.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="code">Error code; empty or the status' name where the answer had no body.</param>
    /// <param name="skew">How far our clock is from the store's; null = it did not say.</param>
    public static S3Failure OfAnswer(int status, string code, TimeSpan? skew)
    {
        var verdict = code switch
        {
            "RequestTimeTooSkewed" or "ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired" or "InvalidToken"
                or "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "RequestExpired" or "InvalidSecurity"
                or "NotSignedUp" => S3Verdict.BadCredentials,
            "SlowDown" or "Throttling" or "ThrottlingException" or "RequestLimitExceeded" or "TooManyRequests"
                or "TooManyRequestsException" or "BandwidthLimitExceeded" or "Busy" => S3Verdict.Throttled,
            "RequestTimeout" or "InternalError" or "OperationAborted" => S3Verdict.Failed,
            "InvalidObjectState" => S3Verdict.Refused, // archived
            _ => OfStatus(status),
        };
        var isSkewed = verdict == S3Verdict.Denied && skew is { } apart && apart.Duration() > MaxSkew;
        return isSkewed
            ? new S3Failure(S3Verdict.BadCredentials, "clocks differ", status)
            : new S3Failure(verdict, code.Length == 0 ? ((HttpStatusCode)status).ToString() : code, status);
    }

    /// <summary>What a caller of the driver gets when nothing more is tried.</summary>
    public static ReadStatus ToStatus(S3Verdict verdict) => verdict switch
    {
        S3Verdict.Ok => ReadStatus.Ok,
        S3Verdict.NotFound => ReadStatus.NotFound,
        S3Verdict.Changed => ReadStatus.StaleVersion,
        S3Verdict.Denied => ReadStatus.AccessDenied,
        S3Verdict.Cancelled => ReadStatus.DeadlineExceeded,
        _ => ReadStatus.Unavailable,
    };

    private static S3Verdict OfStatus(int status) => status switch
    {
        404 or 410 => S3Verdict.NotFound,
        412 or 416 => S3Verdict.Changed,
        403 => S3Verdict.Denied,
        401 => S3Verdict.BadCredentials,
        429 or 503 or 509 => S3Verdict.Throttled,
        408 or 409 or >= 500 and not 501 and not 505 => S3Verdict.Failed,
        _ => S3Verdict.Refused,
    };

    private static DateTimeOffset? AnsweredAt(AmazonServiceException exception) =>
        exception.InnerException is HttpErrorResponseException { Response: { } response } && response.IsHeaderPresent("Date")
        && DateTimeOffset.TryParse(
            response.GetHeaderValue("Date"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
}
