using System.Diagnostics;

namespace OrleansCache.Telemetry;

/// <summary>
/// The library's activities, for OpenTelemetry. Their names and tags are in docs/METRICS.md. Without a listener nothing is
/// allocated; warm reads have none at all.
/// </summary>
internal static class ClientActivities
{
    public const string Open = "ocache.open";
    public const string Read = "ocache.read";
    public const string ReadMany = "ocache.read_many";
    public const string List = "ocache.list";
    public const string Load = "ocache.load";

    public const string PathTag = "ocache.path";
    public const string OffsetTag = "ocache.offset";
    public const string BytesTag = "ocache.bytes";
    public const string EntriesTag = "ocache.entries";
    public const string FilesTag = "ocache.files";
    public const string FailedFilesTag = "ocache.failed_files";
    public const string AttemptsTag = "ocache.attempts";

    private const string ErrorTypeTag = "error.type"; // OpenTelemetry's own name for it.

    private static readonly ActivitySource Source = new(CacheClient.TelemetryName);

    /// <summary>Starts one; null when nobody listens.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name, ActivityKind.Client);

    /// <summary>Starts one about a path; null when nobody listens.</summary>
    public static Activity? Start(string name, string path) => Start(name)?.SetTag(PathTag, path);

    /// <summary>Notes how it failed.</summary>
    /// <returns>False always: for an exception filter, which sees an exception without catching it.</returns>
    public static bool Failed(this Activity? activity, Exception error)
    {
        if (activity is not null)
        {
            activity.SetStatus(ActivityStatusCode.Error, error.Message);
            activity.SetTag(ErrorTypeTag, error.GetType().FullName);
            if (error is CacheClientException { Attempts: > 0 } ours)
            {
                activity.SetTag(AttemptsTag, ours.Attempts);
            }
        }

        return false;
    }
}
