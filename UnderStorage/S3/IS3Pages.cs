using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Lists a bucket by pages. Thread-safe; retries and deadlines are inside.</summary>
internal interface IS3Pages
{
    /// <summary>One page: one request to the store when nothing goes wrong.</summary>
    /// <param name="keyPrefix">Full keys begin with this (the source's prefix included).</param>
    /// <param name="delimited">Whether keys with a slash after the prefix are rolled up in <see cref="S3Page.Prefixes"/>.</param>
    /// <param name="startAfter">Full key after which to go on, exclusive; null = from the beginning.</param>
    /// <param name="maxKeys">At most so many objects and prefixes together, 1 to 1000.</param>
    /// <param name="cancellationToken">Ends the wait with <see cref="ReadStatus.DeadlineExceeded"/>.</param>
    ValueTask<S3Page> ListAsync(
        string keyPrefix, bool delimited, string? startAfter, int maxKeys, CancellationToken cancellationToken);
}

/// <summary>One page of a listing.</summary>
/// <param name="Status">
/// Ok, NotFound (no such bucket), AccessDenied, Unavailable or DeadlineExceeded; after anything but Ok the rest is empty.
/// </param>
/// <param name="Objects">Objects, by ascending key in UTF-8.</param>
/// <param name="Prefixes">Full common prefixes with their slash, by ascending key in UTF-8.</param>
/// <param name="IsTruncated">Whether more follow.</param>
/// <param name="ContinueAfter">
/// What <c>startAfter</c> goes on after this page: greater than every key of it and of the prefixes in it; null when nothing follows.
/// It cannot be sent when the last key is not UTF-8: go on after an earlier one then.
/// </param>
internal readonly record struct S3Page(
    ReadStatus Status, IReadOnlyList<S3Object> Objects, IReadOnlyList<string> Prefixes, bool IsTruncated, string? ContinueAfter)
{
    /// <summary>A page that says only why there is none.</summary>
    public static S3Page Failed(ReadStatus status) => new(status, [], [], false, null);
}

/// <summary>One object of a listing.</summary>
/// <param name="Key">
/// Full key, the source's prefix included, decoded. A byte that is not part of valid UTF-8 is half a surrogate pair here
/// (U+DC00 plus the byte), which no other key's text contains: such a key cannot be asked for.
/// </param>
/// <param name="Length">Length in bytes.</param>
/// <param name="LastModified">When it was made, UTC; may have milliseconds where HEAD has none.</param>
/// <param name="ETag">ETag without quotes.</param>
internal readonly record struct S3Object(string Key, long Length, DateTime LastModified, string ETag);
