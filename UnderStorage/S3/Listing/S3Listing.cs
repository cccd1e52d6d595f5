using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// A listing of one directory of a bucket: a page a batch, the next page asked for while the caller works on this one (so it is as
/// old as the end of the call before). Holds two pages at most. Deadlines of requests are inside <see cref="IS3Pages"/>; the
/// caller's token ends the listing.
/// </summary>
internal sealed class S3Listing : IListing
{
    /// <summary>The most a store gives at once.</summary>
    private const int PageKeys = 1000;

    private readonly CancellationTokenSource _lifetime = new();
    private readonly IS3Pages _pages;
    private readonly string _keyPrefix;
    private readonly bool _mustHaveKeys;
    private readonly PageReader? _reader;
    private Task<S3Page>? _ahead;
    private ListBatch? _end;

    /// <summary>A listing; asks nothing yet.</summary>
    /// <param name="pages">The bucket.</param>
    /// <param name="source">The source.</param>
    /// <param name="presentation">Owner and mode of entries.</param>
    /// <param name="sourcePrefix">What every key of the source begins with: empty, or ending in a slash.</param>
    /// <param name="directoryPath">The directory.</param>
    /// <param name="resumeAt">Null = from the start; else <see cref="ListBatch.ResumeAt"/> of a listing of this directory.</param>
    /// <exception cref="ArgumentException"><paramref name="resumeAt"/> is none of this version of the listing.</exception>
    public S3Listing(
        IS3Pages pages, SourceId source, S3Presentation presentation, string sourcePrefix, string directoryPath, string? resumeAt)
    {
        _pages = pages;
        _keyPrefix = sourcePrefix;
        if (!S3Names.TryResolve(directoryPath, out var place))
        {
            _end = ListBatch.Failed(ReadStatus.NotFound);
        }
        else if (place.Kind == S3PlaceKind.ObjectOnly)
        {
            _end = ListBatch.Failed(ReadStatus.NotADirectory);
        }
        else
        {
            _keyPrefix = sourcePrefix + place.Prefix;
            _mustHaveKeys = !place.IsRoot;
            _reader = new PageReader(source, presentation, sourcePrefix, _keyPrefix, resumeAt);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ListBatch> NextAsync(CancellationToken cancellationToken)
    {
        if (_end is { } end)
        {
            return end;
        }

        var page = await TakePageAsync(cancellationToken).ConfigureAwait(false);
        if (page.Status != ReadStatus.Ok)
        {
            return End(page.Status);
        }

        var batch = _reader!.Read(page);
        if (batch.Status != ReadStatus.Ok)
        {
            return End(batch.Status);
        }

        if (batch.IsLast)
        {
            var isMissing = _mustHaveKeys && !_reader.HasKeys;
            End(isMissing ? ReadStatus.NotFound : ReadStatus.Ok);
            return isMissing ? ListBatch.Failed(ReadStatus.NotFound) : batch;
        }

        _ahead = AskAsync();
        return batch;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _lifetime.CancelAsync().ConfigureAwait(false);
        _end ??= ListBatch.Failed(ReadStatus.Unavailable);
        if (_ahead is { } ahead)
        {
            _ahead = null;
            await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // nobody asked for this page yet
        }

        _lifetime.Dispose();
    }

    private async ValueTask<S3Page> TakePageAsync(CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested(); // an answer that is there already would be taken all the same
            var asked = _ahead ??= AskAsync();
            var page = await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
            _ahead = null;
            return page;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await _lifetime.CancelAsync().ConfigureAwait(false);
            return S3Page.Failed(ReadStatus.DeadlineExceeded);
        }
    }

    private async Task<S3Page> AskAsync()
    {
        if (_reader!.Missing.Length > 0)
        {
            var status = await RestoreAsync(_reader).ConfigureAwait(false);
            if (status != ReadStatus.Ok)
            {
                return S3Page.Failed(status);
            }
        }

        return await _pages.ListAsync(_keyPrefix, delimited: true, _reader.After, PageKeys, _lifetime.Token).ConfigureAwait(false);
    }

    /// <summary>Looks up what was still to be given away where an earlier listing stopped.</summary>
    private async Task<ReadStatus> RestoreAsync(PageReader reader)
    {
        var found = new List<S3Object>();
        foreach (var key in reader.Missing)
        {
            // Of all keys that begin with it, the key itself is the first.
            var page = await _pages.ListAsync(key, delimited: true, null, 1, _lifetime.Token).ConfigureAwait(false);
            if (page.Status != ReadStatus.Ok)
            {
                return page.Status;
            }

            found.AddRange(page.Objects.Where(one => one.Key == key));
        }

        reader.Restore(found);
        return ReadStatus.Ok;
    }

    private ListBatch End(ReadStatus status)
    {
        _end = status == ReadStatus.Ok ? new ListBatch(status, [], true, null) : ListBatch.Failed(status);
        return _end.Value;
    }
}
