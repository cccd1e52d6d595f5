using System.Globalization;

namespace OrleansCache.Fakes.S3;

/// <summary>If-Match and its kin.</summary>
internal static class Conditions
{
    /// <summary>For GET and HEAD: throws 412; true means 304.</summary>
    public static bool NotModified(S3Request request, FakeObject found, string prefix = "")
    {
        if (request.Header(prefix + "If-Match") is { } match)
        {
            if (!Matches(match, found.ETag))
            {
                throw S3Failure.PreconditionFailed();
            }
        }
        else if (Date(request, prefix + "If-Unmodified-Since") is { } unmodified && Seconds(found) > unmodified)
        {
            throw S3Failure.PreconditionFailed();
        }

        return request.Header(prefix + "If-None-Match") is { } none
            ? Matches(none, found.ETag)
            : Date(request, prefix + "If-Modified-Since") is { } modified && Seconds(found) <= modified;
    }

    /// <summary>For PUT, DELETE and the end of a multipart upload: what must hold at the moment of the change.</summary>
    public static Action<FakeObject?> ForWrite(S3Request request, bool ignore)
    {
        var (match, none) = (request.Header("If-Match"), request.Header("If-None-Match"));
        return current =>
        {
            if (ignore)
            {
                return;
            }

            if (match is not null && !Matches(match, (current ?? throw S3Failure.NoSuchKey()).ETag))
            {
                throw S3Failure.PreconditionFailed();
            }

            if (none is not null && current is not null && Matches(none, current.ETag))
            {
                throw S3Failure.PreconditionFailed();
            }
        };
    }

    private static bool Matches(string condition, string etag) =>
        condition.Split(',', StringSplitOptions.TrimEntries).Any(one => one == "*" || one.Trim('"') == etag);

    private static DateTimeOffset? Date(S3Request request, string header) =>
        DateTimeOffset.TryParseExact(
            request.Header(header), "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : null;

    // HTTP dates have no fractions.
    private static DateTimeOffset Seconds(FakeObject found) =>
        DateTimeOffset.FromUnixTimeSeconds(found.LastModified.ToUnixTimeSeconds());
}
