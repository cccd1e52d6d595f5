using System.Collections.Immutable;
using Amazon.S3.Model;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// A bucket, or what begins with a prefix in it, as under storage. A version is an ETag with length and time; every read asks for
/// exactly that. Nothing blocks a thread. After disposal answers are Unavailable, also of calls under way. Thread-safe.
/// </summary>
internal sealed class S3UnderStorage : IUnderStorage
{
    private readonly S3Connection _connection;
    private readonly S3Pages _pages;
    private readonly S3Presentation _presentation;

    public S3UnderStorage(SourceId source, S3Connection connection)
    {
        Source = source;
        _connection = connection;
        _pages = new S3Pages(connection);
        var options = connection.Options;
        _presentation = new S3Presentation(options.Uid, options.Gid, options.FileMode, options.DirectoryMode);
    }

    /// <inheritdoc/>
    public SourceId Source { get; }

    /// <inheritdoc/>
    public bool ListsInOrder => true;

    /// <inheritdoc/>
    public bool DirectoryIdsFollowPaths => true;

    private string Prefix => _connection.Uri.Prefix;

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken) =>
        new S3Probe(_connection).RunAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken)
    {
        if (!S3Names.TryResolve(path, out var place))
        {
            return new StatOutcome(ReadStatus.NotFound, default);
        }

        GetObjectMetadataResponse? found = null;
        var key = Prefix + place.Key;
        if (place.Kind != S3PlaceKind.PrefixOnly && S3KeyText.IsAddressable(key))
        {
            (var status, found) = await HeadAsync(key, cancellationToken).ConfigureAwait(false);
            if (status is not (ReadStatus.Ok or ReadStatus.NotFound))
            {
                return new StatOutcome(status, default);
            }
        }

        // One request is enough for an object with contents: it has its name whatever lies below.
        var length = found?.ContentLength;
        var decided = place.Decide(length, hasKeysBelow: false);
        if (place.Kind != S3PlaceKind.ObjectOnly && (decided != FileKind.File || length == 0))
        {
            var below = await _pages.ListAsync(Prefix + place.Prefix, false, null, 1, cancellationToken).ConfigureAwait(false);
            if (below.Status != ReadStatus.Ok)
            {
                return new StatOutcome(below.Status, default);
            }

            decided = place.Decide(length, below.Objects.Count > 0);
        }

        return decided switch
        {
            FileKind.File => new StatOutcome(ReadStatus.Ok, S3Metadata.OfObject(
                Source, _presentation, place.Key, found!.ContentLength, found.LastModified ?? DateTime.UnixEpoch, found.ETag ?? "")),
            FileKind.Directory => new StatOutcome(ReadStatus.Ok, S3Metadata.OfPrefix(Source, _presentation, place.Prefix)),
            _ => new StatOutcome(ReadStatus.NotFound, default),
        };
    }

    /// <inheritdoc/>
    public IListing List(string path, string? resumeAt) =>
        new S3Listing(_pages, Source, _presentation, Prefix, path, resumeAt);

    /// <inheritdoc/>
    public ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(path, file, version, offsetBytes, destination.Length, destination, null, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken) =>
        buffer.IsEmpty && lengthBytes > 0
            ? new(ReadStatus.InvalidRequest)
            : ReadAsync(path, file, version, offsetBytes, lengthBytes, buffer, sink, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken) =>
        new(new LinkOutcome(ReadStatus.NotFound, "")); // a bucket has no links

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> room, IPieceSink? sink,
        CancellationToken cancellationToken)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > version.LengthBytes - lengthBytes)
        {
            return new(ReadStatus.InvalidRequest);
        }

        if (_connection.IsClosed)
        {
            return new(ReadStatus.Unavailable);
        }

        var isHere = S3Names.TryResolve(path, out var place) && place.Kind != S3PlaceKind.PrefixOnly
            && S3KeyText.IsAddressable(Prefix + place.Key);
        if (!isHere)
        {
            return new(ReadStatus.NotFound);
        }

        // Not a version of this name, or of no object at all: without an ETag nothing can be proven.
        if (version.ETag is null || S3Metadata.OfObject(Source, _presentation, place.Key, 0, default, "").Id != file)
        {
            return new(ReadStatus.StaleVersion);
        }

        return lengthBytes == 0
            ? new(ReadStatus.Ok)
            : new S3RangeRead(_connection, Prefix + place.Key, version, offsetBytes, lengthBytes, room, sink).RunAsync(cancellationToken);
    }

    private async ValueTask<(ReadStatus Status, GetObjectMetadataResponse? Found)> HeadAsync(
        string key, CancellationToken cancellationToken)
    {
        if (!S3KeyText.IsPlain(key))
        {
            return await FindInListAsync(key, cancellationToken).ConfigureAwait(false);
        }

        var credentials = _connection.CredentialsVersion;
        var (failure, answer) = await AskAsync(key, cancellationToken).ConfigureAwait(false);
        if (failure.Verdict is S3Verdict.Denied or S3Verdict.Refused && !_connection.IsClosed)
        {
            // An answer to HEAD has no body to say why: a listing's has, and may say that it is our credentials.
            var (why, _) = await _pages.AskAsync(key, false, null, 1, cancellationToken).ConfigureAwait(false);
            if (why.Verdict == S3Verdict.Ok && _connection.CredentialsVersion != credentials)
            {
                (failure, answer) = await AskAsync(key, cancellationToken).ConfigureAwait(false);
            }
            else if (why.Verdict is not (S3Verdict.Ok or S3Verdict.Denied))
            {
                failure = why;
            }
        }

        // Who packs answers (a proxy) leaves their length out, and the SDK makes 0 of that: the file would be empty.
        return answer is { ContentLength: <= 0 } && string.IsNullOrEmpty(answer.Headers["Content-Length"])
            ? await FindInListAsync(key, cancellationToken).ConfigureAwait(false)
            : (S3Failure.ToStatus(failure.Verdict), answer);
    }

    private ValueTask<(S3Failure Failure, GetObjectMetadataResponse? Answer)> AskAsync(string key, CancellationToken cancellationToken) =>
        _connection.CallAsync(S3Operation.Head, cancellation => _connection.Client.GetObjectMetadataAsync(
            new GetObjectMetadataRequest { BucketName = _connection.Uri.Bucket, Key = key }, cancellation), cancellationToken);

    private async ValueTask<(ReadStatus Status, GetObjectMetadataResponse? Found)> FindInListAsync(
        string key, CancellationToken cancellationToken)
    {
        var page = await _pages.ListAsync(key, false, null, 1, cancellationToken).ConfigureAwait(false);
        return page.Status != ReadStatus.Ok ? (page.Status, null)
            : page.Objects.Count == 0 || page.Objects[0].Key != key ? (ReadStatus.NotFound, null)
            : (ReadStatus.Ok, new GetObjectMetadataResponse
            {
                ContentLength = page.Objects[0].Length,
                LastModified = page.Objects[0].LastModified,
                ETag = page.Objects[0].ETag,
            });
    }
}
