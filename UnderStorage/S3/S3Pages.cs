using System.Xml;
using Amazon.S3;
using Amazon.S3.Model;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// ListObjectsV2. Goes on after a key, not with the store's token: the place can be stored and is understood after a restart and
/// by every server. Thread-safe.
/// </summary>
/// <param name="connection">Sends requests.</param>
internal sealed class S3Pages(S3Connection connection) : IS3Pages
{
    /// <summary>Pages that are truncated and empty, as stores that just deleted much may give, in a row.</summary>
    private const int MaxEmptyPages = 64;

    /// <inheritdoc/>
    public async ValueTask<S3Page> ListAsync(
        string keyPrefix, bool delimited, string? startAfter, int maxKeys, CancellationToken cancellationToken) =>
        (await AskAsync(keyPrefix, delimited, startAfter, maxKeys, cancellationToken).ConfigureAwait(false)).Page;

    /// <summary>As <see cref="ListAsync"/>, and why it failed.</summary>
    public async ValueTask<(S3Failure Failure, S3Page Page)> AskAsync(
        string keyPrefix, bool delimited, string? startAfter, int maxKeys, CancellationToken cancellationToken)
    {
        string? token = null;
        for (var empty = 0; empty < MaxEmptyPages; empty++)
        {
            var sent = token;
            var (failure, answer) = await connection.CallAsync(S3Operation.List, cancellation => SendAsync(
                new ListObjectsV2Request
                {
                    BucketName = connection.Uri.Bucket,
                    Prefix = keyPrefix,
                    Delimiter = delimited ? "/" : null,
                    StartAfter = sent is null ? startAfter : null,
                    ContinuationToken = sent,
                    MaxKeys = maxKeys,
                    Encoding = EncodingType.Url,
                },
                cancellation), cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return (failure, S3Page.Failed(S3Failure.ToStatus(failure.Verdict)));
            }

            var page = PageOf(answer, startAfter);
            if (!page.IsTruncated || page.ContinueAfter is not null)
            {
                return (failure, page);
            }

            token = answer.NextContinuationToken;
            if (string.IsNullOrEmpty(token))
            {
                break;
            }
        }

        return (new S3Failure(S3Verdict.Refused, "listing goes on for ever", 200), S3Page.Failed(ReadStatus.Unavailable));
    }

    /// <summary>
    /// Sends it. The SDK reads a page of no entries out of anything, also out of nothing: a proxy's 200 must not empty a directory.
    /// Every listing says whether it goes on.
    /// </summary>
    private async Task<ListObjectsV2Response> SendAsync(ListObjectsV2Request request, CancellationToken cancellationToken)
    {
        var answer = await connection.Client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
        var isListing = answer.IsTruncated is not null
            && (answer.S3Objects ?? []).TrueForAll(static one => one is { Key.Length: > 0, Size: >= 0 })
            && (answer.CommonPrefixes ?? []).TrueForAll(static prefix => prefix is { Length: > 0 });
        return isListing ? answer : throw new XmlException("the answer is no listing");
    }

    private static S3Page PageOf(ListObjectsV2Response answer, string? startAfter)
    {
        var isEncoded = answer.Encoding == EncodingType.Url; // a server that does not know the parameter does not say so either
        var objects = new List<S3Object>(answer.S3Objects?.Count ?? 0);
        foreach (var one in answer.S3Objects ?? [])
        {
            objects.Add(new S3Object(
                Text(one.Key, isEncoded), one.Size!.Value, one.LastModified ?? DateTime.UnixEpoch, one.ETag ?? ""));
        }

        var prefixes = new List<string>(answer.CommonPrefixes?.Count ?? 0);
        foreach (var one in answer.CommonPrefixes ?? [])
        {
            // Keys below a prefix that we go on after may follow: the prefix is not new for that.
            var prefix = Text(one, isEncoded);
            var isGoneOnAfter = startAfter is not null && startAfter.StartsWith(prefix, StringComparison.Ordinal)
                && startAfter == S3KeyText.AfterAllOf(prefix);
            if (!isGoneOnAfter)
            {
                prefixes.Add(prefix);
            }
        }

        if (answer.IsTruncated != true)
        {
            return new S3Page(ReadStatus.Ok, objects, prefixes, false, null);
        }

        // A key that is not UTF-8 at the end of a page cannot be sent back: whoever reads the page knows where to go on instead.
        return new S3Page(ReadStatus.Ok, objects, prefixes, true, LastOf(objects, prefixes));
    }

    private static string Text(string text, bool isEncoded) => isEncoded ? S3KeyText.Decode(text) : text;

    private static string? LastOf(List<S3Object> objects, List<string> prefixes)
    {
        var key = objects.Count > 0 ? objects[^1].Key : null;
        var prefix = prefixes.Count > 0 ? prefixes[^1] : null;
        return prefix is null || (key is not null && KeyOrder.Compare(key, prefix) > 0) ? key : S3KeyText.AfterAllOf(prefix);
    }
}
