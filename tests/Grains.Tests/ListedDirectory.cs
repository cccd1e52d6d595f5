using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Tests;

/// <summary>The root of an <see cref="OrderedStorage"/> as a directory grain sees it; <see cref="Restart"/> keeps only the listing store.</summary>
internal sealed class ListedDirectory
{
    private readonly SourceInfo _source;

    public ListedDirectory(OrderedStorage storage, string sync, IListingStore? listings = null, params string[] immutable)
    {
        Assert.True(SyncRule.TryParse(sync, out var rule));
        (Storage, Listings) = (storage, listings ?? new MemoryListingStore());
        _source = new SourceInfo
        {
            Id = storage.Source,
            Path = "/s",
            Uri = "mem://s",
            Options = new() { Sync = rule, ImmutableFiles = [.. immutable] },
            Root = OrderedStorage.Entry("", kind: FileKind.Directory).Metadata,
        };
        Floors = new SyncFloors(Time);
        Book = Open();
    }

    public OrderedStorage Storage { get; }

    public IListingStore Listings { get; }

    public ManualTime Time { get; } = new();

    public SyncFloors Floors { get; private set; }

    public RecordedChanges Changes { get; } = new();

    public DirectoryBook Book { get; private set; }

    public void Restart()
    {
        Book.Close();
        Floors = new SyncFloors(Time);
        Book = Open();
    }

    public async Task<List<DirectoryPage>> PagesAsync(string? after = null)
    {
        var pages = new List<DirectoryPage>();
        do
        {
            pages.Add(await Book.ListAsync(after, default).AsTask().WaitAsync(TimeSpan.FromSeconds(25)));
            Assert.Equal(ReadStatus.Ok, pages[^1].Status);
            Assert.True(pages[^1].IsLast || pages[^1].Entries.Length > 0);
            after = pages[^1].Next;
        }
        while (after is not null);
        return pages;
    }

    public async Task<List<string>> NamesAsync() =>
        [.. (await PagesAsync()).SelectMany(page => page.Entries).Select(entry => entry.Name)];

    public Task<LookupResult> LookupAsync(string name) =>
        Book.LookupAsync(name, default).AsTask().WaitAsync(TimeSpan.FromSeconds(25));

    private DirectoryBook Open() => new(
        new DirectoryRef(_source.Id, "", _source.Root.Id), _source,
        new DirectoryServices(
            Storage, new CapabilitySealer(new byte[32]), Listings, Floors, Changes, Time, NullLogger.Instance));
}
