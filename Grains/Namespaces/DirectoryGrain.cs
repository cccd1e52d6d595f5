using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// One directory. What it knows and when it asks: <see cref="DirectoryBook"/>, one for each path it is seen at (it was renamed, or
/// mounted twice), opened anew when its source was attached with other options. Its memory goes after two idle minutes; listings
/// stay in the listing store.
/// </summary>
[GrainType("directory"), CollectionAgeLimit(Minutes = 2)]
internal sealed class DirectoryGrain(
    IUnderStorageCatalog underStorages, IAttachedSources sources, ICapabilitySealer sealer, IListingStore listings, SyncFloors floors,
    IChangePublisher changes, TimeProvider time, ILogger<DirectoryGrain> logger) : Grain, IDirectoryGrain
{
    /// <summary>More paths at a time than a directory has, but in the moments of a rename.</summary>
    private const int MaxBooks = 4;

    private readonly DirectoryServices _services = new(underStorages, sealer, listings, floors, changes, time, logger);
    private readonly List<DirectoryBook> _books = []; // used last comes first

    public async ValueTask<LookupResult> Lookup(DirectoryRef self, string name, CancellationToken cancellationToken) =>
        await OpenAsync(self, cancellationToken) is { } book
            ? await book.LookupAsync(name, cancellationToken)
            : new LookupResult(ReadStatus.StaleVersion, null, TimeSpan.Zero);

    public async ValueTask<DirectoryPage> List(DirectoryRef self, string? after, CancellationToken cancellationToken) =>
        await OpenAsync(self, cancellationToken) is { } book
            ? await book.ListAsync(after, cancellationToken)
            : new DirectoryPage(ReadStatus.StaleVersion, [], null, 0, TimeSpan.Zero);

    public async ValueTask<LinkResult> ReadLink(DirectoryRef self, string name, CancellationToken cancellationToken) =>
        await OpenAsync(self, cancellationToken) is { } book
            ? await book.ReadLinkAsync(name, cancellationToken)
            : new LinkResult(ReadStatus.StaleVersion, "");

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _books.ForEach(book => book.Close());
        return Task.CompletedTask;
    }

    /// <summary>Null when the source is detached, or the caller names another directory than this grain's.</summary>
    private async ValueTask<DirectoryBook?> OpenAsync(DirectoryRef self, CancellationToken cancellationToken)
    {
        var source = await sources.FindAsync(self.Source, cancellationToken);
        if (source is null || self.GrainKey != this.GetPrimaryKeyString())
        {
            return null;
        }

        var at = _books.FindIndex(book => book.Self == self);
        var book = at >= 0 && _books[at].Source.Options == source.Options ? _books[at] : null;
        if (at == 0 && book is not null)
        {
            return book;
        }

        if (book is null && (at >= 0 || _books.Count == MaxBooks))
        {
            at = at >= 0 ? at : MaxBooks - 1;
            _books[at].Close();
        }

        if (at >= 0)
        {
            _books.RemoveAt(at);
        }

        _books.Insert(0, book ?? new DirectoryBook(self, source, _services));
        return _books[0];
    }
}
