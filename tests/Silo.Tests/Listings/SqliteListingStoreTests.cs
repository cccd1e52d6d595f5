using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Grains.Tests;
using OrleansCache.Namespaces;
using OrleansCache.Silo.Listings;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Tests.Listings;

/// <summary>The listing store on a real file, beside the model of it that the grains' tests use.</summary>
public sealed class SqliteListingStoreTests : IDisposable
{
    private static readonly DirectoryRef Dir = new(new SourceId(ulong.MaxValue), "d/e", new FileId(ulong.MaxValue, 3));
    private readonly string _directory = Directory.CreateTempSubdirectory("ocache-listings-").FullName;
    private readonly ManualTime _time = new();

    private string File => Path.Combine(_directory, "listings.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Whatever_is_written_is_read_as_the_model_says_also_after_a_restart()
    {
        string[] names = ["", "a", "a.", "a0", "b", "c%", "é", "\uf7ff", "\ue000", "😀", "zz"];
        var step = Gen.Choose(0, 9).SelectMany(what => Gen.Choose(0, int.MaxValue - 1).Select(seed => (what, seed)));
        Prop.ForAll(step.ListOf().ToArbitrary(), steps =>
        {
            System.IO.File.Delete(File);
            System.IO.File.Delete(File + "-wal");
            Sides sides = new(this);
            try
            {
                foreach (var (what, seed) in steps)
                {
                    var random = new Random(seed);
                    string Name() => $"n{names[random.Next(names.Length)]}{names[random.Next(names.Length)]}";
                    sides.StepAsync(what, random, Name).WaitAsync(TimeSpan.FromSeconds(20)).GetAwaiter().GetResult();
                }
            }
            finally
            {
                sides.Dispose();
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    [Fact]
    public async Task Another_directory_at_the_path_starts_anew()
    {
        using var store = Open();
        var first = (await store.WriteAsync(Whole(Dir, 0, Entries(10)), default)).Listing;
        var other = Dir with { Id = new FileId(1, 1) };
        Assert.Null(await store.OpenAsync(other, default));
        var second = (await store.WriteAsync(Whole(other, 0, Entries(3)), default)).Listing;
        Assert.NotEqual(first, second);
        Assert.True((await store.FindAsync(first, "000001", default)).IsGone);
        Assert.Null(await store.ReadAsync(first, "", null, 5, default));
        Assert.Equal(0, (await store.WriteAsync(Whole(Dir, first, Entries(10)), default)).Listing);
        Assert.Equal(3, store.Entries);
    }

    [Fact]
    public async Task Damage_and_other_formats_are_thrown_away_with_one_line()
    {
        var log = new Lines();
        using (var store = Open(log))
        {
            await store.WriteAsync(Whole(Dir, 0, Entries(5000)), default);
        }

        foreach (var spoil in (Action[])
        [
            () => System.IO.File.WriteAllText(File, "not a database at all, but long enough to be looked at"),
            () => Sql("PRAGMA user_version = 99"),
        ])
        {
            spoil();
            using var store = Open(log);
            Assert.Null(await store.OpenAsync(Dir, default));
            Assert.Single(log.Said);
            log.Said.Clear();
            await store.WriteAsync(Whole(Dir, 0, Entries(5000)), default);
        }

        // Found while it is in use: that call fails, the next one has a new file.
        Sql("UPDATE entry SET metadata = zeroblob(40) WHERE position = CAST('000007' AS BLOB)");
        using var used = Open(log);
        var listing = (await used.OpenAsync(Dir, default))!.Id;
        Assert.NotNull((await used.FindAsync(listing, "000006", default)).Entry);
        await Assert.ThrowsAsync<ListingStoreException>(async () => await used.FindAsync(listing, "000007", default));
        Assert.Single(log.Said);
        Assert.Null(await used.OpenAsync(Dir, default));
        Assert.NotEqual(0, (await used.WriteAsync(Whole(Dir, 0, Entries(10)), default)).Listing);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
    }

    [Fact]
    public async Task A_listing_of_a_file_thrown_away_is_gone_and_never_another_one()
    {
        using (var made = Open())
        {
            await made.WriteAsync(Whole(Dir, 0, Entries(10)), default);
        }

        Sql("UPDATE segment SET unreachable = '[no json'");
        _time.Advance(TimeSpan.FromSeconds(1));
        using var store = Open();
        var other = await store.WriteAsync(Whole(Dir with { Path = "other" }, 0, Entries(5)), default);
        await Assert.ThrowsAsync<ListingStoreException>(async () => await store.OpenAsync(Dir, default));
        Assert.Null(await store.OpenAsync(Dir, default));
        for (var i = 0; i < 10; i++)
        {
            await store.WriteAsync(Whole(Dir with { Path = $"{i}" }, 0, Entries(3)), default);
        }

        Assert.Null(await store.ReadAsync(other.Listing, "", null, 5, default));
    }

    [Fact]
    public async Task What_was_asked_for_before_a_sync_does_not_count_also_when_it_comes_after_it_or_the_clock_went_back()
    {
        using var store = Open();
        var asked = _time.GetUtcNow();
        var part = Whole(Dir, 0, Entries(3)) with { Segments = [new ListingSegment("", null, asked, [])] };
        await store.WriteAsync(part, default);
        await store.RaiseFloorAsync(Dir.Source, Dir.Path, asked - TimeSpan.FromHours(1), default);
        Assert.Null((await store.OpenAsync(Dir, default))!.Segments[0].AskedUtc);

        _time.Advance(TimeSpan.FromSeconds(1));
        var floor = _time.GetUtcNow();
        await store.RaiseFloorAsync(Dir.Source, "d/new", floor, default);
        var late = Dir with { Path = "d/new" };
        _time.Advance(TimeSpan.FromSeconds(1));
        await store.WriteAsync(part with { Directory = late }, default);
        Assert.Equal(floor, (await store.OpenAsync(late, default))!.FloorUtc);
    }

    [Fact]
    public async Task Past_the_limit_the_listings_used_least_lately_go()
    {
        using var store = Open(maxEntries: 2500);
        var ids = new List<long>();
        for (var i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            ids.Add((await store.WriteAsync(Whole(Dir with { Path = $"{i}" }, 0, Entries(1000)), default)).Listing);
        }

        Assert.Equal(2000, store.Entries);
        Assert.Equal("gone gone there there", await GoneAsync());
        _time.Advance(TimeSpan.FromHours(2));
        Assert.NotNull(await store.OpenAsync(Dir with { Path = "2" }, default)); // used: the other one is older now
        await store.WriteAsync(Whole(Dir with { Path = "x" }, 0, Entries(1000)), default);
        Assert.Equal("gone gone there gone", await GoneAsync());

        // One that alone is larger stays.
        var large = await store.WriteAsync(Whole(Dir with { Path = "y" }, 0, Entries(4000)), default);
        Assert.Equal(4000, store.Entries);
        Assert.NotNull(await store.ReadAsync(large.Listing, "", null, 1, default));

        async Task<string> GoneAsync()
        {
            var gone = new List<string>();
            foreach (var id in ids)
            {
                gone.Add(await store.ReadAsync(id, "", null, 1, default) is null ? "gone" : "there");
            }

            return string.Join(' ', gone);
        }
    }

    [Fact]
    public async Task Names_of_a_detached_source_leave_the_file()
    {
        using (var store = Open())
        {
            await store.WriteAsync(Whole(Dir, 0, Entries(5000)), default);
            await store.WriteAsync(Whole(Dir with { Source = new SourceId(1) }, 0, Entries(10)), default);
            await store.DropAsync(Dir.Source, default);
            Assert.Null(await store.OpenAsync(Dir, default));
            Assert.Equal(10, store.Entries);
            var patience = Stopwatch.StartNew();
            while (Count("entry") > 10 || Count("dropped") > 0)
            {
                Assert.True(patience.Elapsed < TimeSpan.FromSeconds(30), "the entries are still there");
                await Task.Delay(20);
            }
        }

        using var again = Open();
        Assert.Equal(10, again.Entries);
    }

    [Fact]
    public async Task Who_leaves_is_let_go_and_a_closed_store_says_so()
    {
        var store = Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await store.OpenAsync(Dir, new CancellationToken(canceled: true)));
        store.Dispose();
        await Assert.ThrowsAsync<ListingStoreException>(async () => await store.OpenAsync(Dir, default));
    }

    internal static ListingPart Whole(DirectoryRef directory, long listing, IReadOnlyList<UnderStorageEntry> entries) => new()
    {
        Directory = directory,
        Listing = listing,
        Entries = entries,
        From = "",
        Segments = [new ListingSegment("", null, DateTimeOffset.UnixEpoch, [])],
    };

    private static List<UnderStorageEntry> Entries(int count) =>
        [.. Enumerable.Range(0, count).Select(i => OrderedStorage.Entry($"{i:D6}"))];

    private SqliteListingStore Open(ILogger<SqliteListingStore>? log = null, long maxEntries = SqliteListingStore.DefaultMaxEntries) =>
        new(File, maxEntries, _time, log ?? NullLogger<SqliteListingStore>.Instance);

    private void Sql(string sql)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private long Count(string table)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={File};Pooling=False;Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT COUNT(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }

    private sealed class Lines : ILogger<SqliteListingStore>
    {
        public List<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Said.Add(formatter(state, exception));
    }

    /// <summary>The store and its model, given the same.</summary>
    private sealed class Sides(SqliteListingStoreTests test) : IDisposable
    {
        private readonly MemoryListingStore _model = new();
        private SqliteListingStore _real = test.Open();
        private (long Real, long Model) _listing;
        private (long Listing, long Real, long Model) _versions;
        private long _runs;

        public void Dispose() => _real.Dispose();

        public async Task StepAsync(int what, Random random, Func<string> name)
        {
            switch (what)
            {
                case 0:
                    _real.Dispose();
                    _real = test.Open();
                    _model.Restart();
                    break;
                case 1:
                    await LearnAsync(random, name());
                    break;
                case 2:
                    var floor = DateTimeOffset.UnixEpoch.AddSeconds(random.Next(1000));
                    await _real.RaiseFloorAsync(Dir.Source, "d", floor, default);
                    await _model.RaiseFloorAsync(Dir.Source, "d", floor, default);
                    break;
                case 3:
                    await RunAsync(random, name);
                    break;
                case 4 when random.Next(8) == 0:
                    await _real.DropAsync(Dir.Source, default);
                    await _model.DropAsync(Dir.Source, default);
                    break;
                default:
                    await WriteAsync(PartOf(random, name));
                    break;
            }

            await CompareAsync(name);
        }

        private static ListingPart PartOf(Random random, Func<string> name)
        {
            string[] ends = [name(), name()];
            Array.Sort(ends, PositionOrder.Instance);
            var from = random.Next(3) == 0 ? "" : ends[0];
            var to = random.Next(3) == 0 ? null : ends[1];
            var segment = new ListingSegment(from, from.Length == 0 ? null : from, Some(random), random.Next(4) == 0 ? ["k\n", "é"] : []);
            return new ListingPart
            {
                Directory = Dir,
                Listing = 0,
                Entries = [.. Some(random, name).Where(entry => IsIn(entry.PositionInDirectory, from, to))],
                From = from,
                To = to,
                WasKnown = random.Next(2) == 0,
                Segments = to is null || to == from ? [segment] : [segment, new ListingSegment(to, to, null, [])],
            };
        }

        private static DateTimeOffset? Some(Random random) =>
            random.Next(4) == 0 ? null : DateTimeOffset.UnixEpoch.AddSeconds(random.Next(1000));

        private static IEnumerable<UnderStorageEntry> Some(Random random, Func<string> name) => Enumerable.Range(0, random.Next(30))
            .Select(_ => OrderedStorage.Entry(name(), random.Next(2), random.Next(4) == 0 ? FileKind.Directory : FileKind.File))
            .Select(entry => entry.Name.Contains('%', StringComparison.Ordinal) ? entry with { Position = entry.Name + "x" } : entry)
            .DistinctBy(entry => entry.Name);

        private static bool IsIn(string position, string from, string? to) => PositionOrder.Instance.Compare(position, from) > 0
            && (to is null || PositionOrder.Instance.Compare(position, to) <= 0);

        private async Task RunAsync(Random random, Func<string> name)
        {
            var run = ++_runs;
            var parts = random.Next(1, 4);
            var seen = new HashSet<string>();
            for (var at = 0; at < parts; at++)
            {
                await WriteAsync(new ListingPart
                {
                    Directory = Dir,
                    Listing = 0,
                    Entries = [.. Some(random, name).Where(entry => seen.Add(entry.Name))],
                    From = "",
                    Run = run,
                    EndsRun = at == parts - 1 && random.Next(3) > 0,
                    Segments = at == 0 ? [new ListingSegment("", null, null, [])] : [],
                });
            }
        }

        private async Task LearnAsync(Random random, string name)
        {
            FileMetadata? metadata = random.Next(2) == 0
                ? null : OrderedStorage.Entry(name, random.Next(2), random.Next(2) == 0 ? FileKind.File : FileKind.Directory).Metadata;
            var real = await _real.LearnAsync(_listing.Real, name, metadata, default);
            Compare(real, await _model.LearnAsync(_listing.Model, name, metadata, default));
        }

        private async Task WriteAsync(ListingPart part)
        {
            var real = await _real.WriteAsync(part with { Listing = _listing.Real }, default);
            var model = await _model.WriteAsync(part with { Listing = _listing.Model }, default);
            Compare(real, model);
            _listing = (real.Listing, model.Listing);
        }

        private void Compare(WrittenPart real, WrittenPart model)
        {
            Assert.Equal(model.Listing == 0, real.Listing == 0);
            if (_versions.Listing == real.Listing && real.Listing != 0)
            {
                Assert.Equal(model.Version - _versions.Model, real.Version - _versions.Real);
            }

            _versions = (real.Listing, real.Version, model.Version);
            if (model.Changed.Length > PathChange.MaxNames)
            {
                Assert.True(real.Changed.Length > PathChange.MaxNames); // too many to be named
                return;
            }

            Assert.Equal(model.Changed.Distinct().Order(StringComparer.Ordinal), real.Changed.Distinct().Order(StringComparer.Ordinal));
        }

        private async Task CompareAsync(Func<string> name)
        {
            var (real, model) = (await _real.OpenAsync(Dir, default), await _model.OpenAsync(Dir, default));
            Assert.Equal(model is null, real is null);
            if (real is null || model is null)
            {
                _listing = default;
                return;
            }

            Assert.Equal(model.FloorUtc, real.FloorUtc);
            Assert.Equal(model.Segments.Select(Text), real.Segments.Select(Text));
            string[] ends = [name(), name()];
            Array.Sort(ends, PositionOrder.Instance);
            foreach (var (from, to) in ((string, string?)[])[("", null), (ends[0], ends[1])])
            {
                var page = await _real.ReadAsync(real.Id, from, to, 1000, default);
                Assert.Equal((await _model.ReadAsync(model.Id, from, to, 1000, default))!.Entries, page!.Entries);
            }

            var one = name();
            Assert.Equal((await _model.FindAsync(model.Id, one, default)).Entry?.Name, (await _real.FindAsync(real.Id, one, default)).Entry?.Name);
        }

        private static string Text(ListingSegment one) => $"{one.Start}|{one.ResumeAt}|{one.AskedUtc}|{string.Join('+', one.Unreachable)}";
    }
}
