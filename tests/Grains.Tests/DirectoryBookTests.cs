using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Files;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;
using OrleansCache.UnderStorage.Directories;
using OrleansCache.UnderStorage.Faulty;

namespace OrleansCache.Grains.Tests;

/// <summary>The directory's answers over a real directory, with a clock that tests move.</summary>
public sealed class DirectoryBookTests : IAsyncLifetime
{
    private static readonly byte[] Key = new byte[32];
    private readonly ManualTime _time = new();
    private readonly MemoryListingStore _listings = new();
    private readonly string _root = Directory.CreateTempSubdirectory("ocache-book-").FullName;
    private FaultyUnderStorage _storage = null!;
    private UnderStorageCatalog _catalog = null!;

    public async Task InitializeAsync()
    {
        _catalog = new UnderStorageCatalog([new WrappingFactory(storage => _storage = storage)], (_, _) => new((SourceInfo?)null));
        await _catalog.OpenAsync($"file://{_root}", new(), default);
        Directory.CreateDirectory(At("d"));
        Write("d/a", "one");
        Write("d/b", "two");
    }

    public async Task DisposeAsync()
    {
        await _catalog.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_lookup_asks_for_that_name_only_and_again_when_the_interval_is_over() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        var found = await book.LookupAsync("a", default);
        Assert.Equal((ReadStatus.Ok, TimeSpan.FromSeconds(5)), (found.Status, found.Lease));
        Assert.Equal((0, 2), (_storage.Lists, _storage.Stats)); // the name and the directory itself

        _time.Advance(TimeSpan.FromSeconds(4));
        var again = await book.LookupAsync("a", default);
        Assert.Equal(TimeSpan.FromSeconds(1), again.Lease);
        Assert.Equal(2, _storage.Stats);

        Write("d/a", "changed");
        _time.Advance(TimeSpan.FromSeconds(1));
        var changed = await book.LookupAsync("a", default);
        Assert.Equal(7, changed.Entry!.Metadata.Version.LengthBytes);
        Assert.NotEqual(found.Entry!.Key, changed.Entry.Key);
        Assert.Equal((0, 4), (_storage.Lists, _storage.Stats));
    });

    [Fact]
    public async Task An_unknown_name_is_an_answer_with_a_lease() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        var missing = await book.LookupAsync("none", default);
        Assert.Equal((ReadStatus.NotFound, TimeSpan.FromSeconds(5)), (missing.Status, missing.Lease));
        await book.LookupAsync("none", default);
        Assert.Equal(2, _storage.Stats);
        Write("d/none", "now");
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ReadStatus.Ok, (await book.LookupAsync("none", default)).Status);
        foreach (var name in (string[])["", ".", "..", "a/b", "a\0", new string('x', 256)])
        {
            Assert.Equal(ReadStatus.NotFound, (await book.LookupAsync(name, default)).Status);
        }
    });

    [Fact]
    public async Task With_always_nothing_is_trusted() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("always");
        Assert.Equal(TimeSpan.Zero, (await book.LookupAsync("a", default)).Lease);
        Write("d/a", "changed");
        Assert.Equal(7, (await book.LookupAsync("a", default)).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal(TimeSpan.Zero, (await book.ListAsync(null, default)).Lease);
        Write("d/c", "new");
        Assert.Equal(3, (await book.ListAsync(null, default)).Entries.Length);
    });

    [Fact]
    public async Task With_never_everything_is_trusted() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("never");
        await book.ListAsync(null, default);
        Write("d/c", "new");
        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(2, (await book.ListAsync(null, default)).Entries.Length);
        Assert.Equal(ReadStatus.NotFound, (await book.LookupAsync("c", default)).Status);
        Assert.Equal(1, _storage.Lists);
    });

    [Fact]
    public async Task Entries_carry_a_right_to_read_that_is_sealed_again_in_time() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        var first = (await book.LookupAsync("a", default)).Entry!;
        Assert.True(CapabilityOf(book, first).IsValid(Key, _time.GetUtcNow()));
        _time.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(first.Seal, (await book.LookupAsync("a", default)).Entry!.Seal);
        _time.Advance(TimeSpan.FromMinutes(2));
        var second = (await book.LookupAsync("a", default)).Entry!;
        Assert.Equal(_time.GetUtcNow().AddHours(1).ToUnixTimeSeconds(), second.Seal.ExpiresUnixSeconds);
        Assert.Equal(first.Key, second.Key);
        Directory.CreateDirectory(At("d/sub"));
        Assert.Equal(default, (await book.LookupAsync("sub", default)).Entry!.Seal);
    });

    [Fact]
    public async Task A_big_listing_is_paged_from_one_listing_even_with_always() => await Turn.RunAsync(async () =>
    {
        for (var i = 0; i < 700; i++)
        {
            Write($"d/{i:D4}", "x");
        }

        var book = await OpenAsync("always");
        var names = new List<string>();
        DirectoryPage? page = null;
        do
        {
            page = await book.ListAsync(page?.Next, default);
            Assert.Equal(ReadStatus.Ok, page.Status);
            names.AddRange(page.Entries.Select(entry => entry.Name));
        }
        while (!page.IsLast);
        Assert.Equal(702, names.Count);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(1, _storage.Lists);
    });

    [Fact]
    public async Task Another_directory_at_the_path_is_stale() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        Assert.Equal(ReadStatus.Ok, (await book.LookupAsync("a", default)).Status);
        Directory.Move(At("d"), At("was"));
        Directory.CreateDirectory(At("d"));
        Write("d/a", "of another");
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ReadStatus.StaleVersion, (await book.LookupAsync("a", default)).Status);
        Assert.Equal(ReadStatus.StaleVersion, (await book.ListAsync(null, default)).Status);
        Assert.Equal(ReadStatus.StaleVersion, (await book.ReadLinkAsync("a", default)).Status);
        Directory.Delete(At("d"), true);
        Assert.Equal(ReadStatus.StaleVersion, (await book.ListAsync(null, default)).Status);
    });

    [Fact]
    public async Task Lookups_at_the_same_time_are_one_question() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        var gate = new TaskCompletionSource();
        _storage.Hold = gate.Task;
        var all = Enumerable.Range(0, 50).Select(_ => book.LookupAsync("a", default).AsTask()).ToList();
        var lists = Enumerable.Range(0, 50).Select(_ => book.ListAsync(null, default).AsTask()).ToList();
        gate.SetResult();
        Assert.All(await Task.WhenAll(all), one => Assert.Equal(ReadStatus.Ok, one.Status));
        Assert.All(await Task.WhenAll(lists), one => Assert.Equal(2, one.Entries.Length));
        Assert.Equal(1, _storage.Lists);
        Assert.InRange(_storage.Stats, 2, 3);
    });

    [Fact]
    public async Task Trouble_is_a_status_and_is_not_remembered() => await Turn.RunAsync(async () =>
    {
        var book = await OpenAsync("interval(5s)");
        _storage.FailWith = ReadStatus.Unavailable;
        Assert.Equal(ReadStatus.Unavailable, (await book.LookupAsync("a", default)).Status);
        Assert.Equal(ReadStatus.Unavailable, (await book.ListAsync(null, default)).Status);
        _storage.FailWith = ReadStatus.Ok;
        _storage.ListingBreaksAfter = 1;
        Assert.Equal(ReadStatus.Unavailable, (await book.ListAsync(null, default)).Status);
        _storage.ListingBreaksAfter = null;
        Assert.Equal(ReadStatus.Ok, (await book.LookupAsync("a", default)).Status);
        Assert.Equal(2, (await book.ListAsync(null, default)).Entries.Length);
        await _catalog.CloseAsync(book.Source.Id);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ReadStatus.StaleVersion, (await book.LookupAsync("a", default)).Status);
    });

    [Fact]
    public async Task Links_are_read_and_other_files_refused() => await Turn.RunAsync(async () =>
    {
        File.CreateSymbolicLink(At("d/l"), "../x");
        var book = await OpenAsync("interval(5s)");
        Assert.Equal(new LinkResult(ReadStatus.Ok, "../x"), await book.ReadLinkAsync("l", default));
        Assert.Equal(ReadStatus.InvalidRequest, (await book.ReadLinkAsync("a", default)).Status);
        Assert.Equal(ReadStatus.NotFound, (await book.ReadLinkAsync("..", default)).Status);
    });

    private static ReadCapability CapabilityOf(DirectoryBook book, FileEntry entry) => new(
        entry.Key, book.Source.Id, book.Self.PathOf(entry.Name), entry.Metadata.Id, entry.Metadata.Version, entry.BlockSizeBytes, entry.Seal);

    private string At(string path) => Path.Combine(_root, path);

    private void Write(string path, string content) => File.WriteAllText(At(path), content);

    private async Task<DirectoryBook> OpenAsync(string sync)
    {
        Assert.True(SyncRule.TryParse(sync, out var rule));
        var inner = (await _storage.StatAsync("d", default)).Metadata;
        var source = new SourceInfo
        {
            Id = _storage.Source,
            Path = "/s",
            Uri = $"file://{_root}",
            Options = new() { Sync = rule },
            Root = inner,
        };
        await _catalog.CloseAsync(_storage.Source);
        await _catalog.OpenAsync(source.Uri, source.Options, default); // counts begin anew
        var services = new DirectoryServices(
            _catalog, new CapabilitySealer(Key), _listings, new SyncFloors(_time), new RecordedChanges(), _time, NullLogger.Instance);
        return new DirectoryBook(new DirectoryRef(source.Id, "d", inner.Id), source, services);
    }

    private sealed class WrappingFactory(Action<FaultyUnderStorage> opened) : IUnderStorageFactory
    {
        private readonly DirectoryUnderStorageFactory _inner = new(new(), TimeProvider.System);

        public string Scheme => _inner.Scheme;

        public SourceIdentity Identify(string uri, SourceOptions options) => _inner.Identify(uri, options);

        public async ValueTask<IUnderStorage> OpenAsync(SourceIdentity identity, SourceOptions options, CancellationToken cancellationToken)
        {
            var faulty = new FaultyUnderStorage(await _inner.OpenAsync(identity, options, cancellationToken));
            opened(faulty);
            return faulty;
        }
    }
}
