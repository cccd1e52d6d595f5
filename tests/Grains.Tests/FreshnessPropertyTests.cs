using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;

namespace OrleansCache.Grains.Tests;

/// <summary>
/// Whatever happens in whatever order, an answer was true at some moment within the sync interval: of each name a history is kept,
/// and lookups and pages are held against it. Pages after the first may be older by the grace for paging.
/// </summary>
public sealed class FreshnessPropertyTests
{
    private const int Names = 40;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public void No_answer_is_older_than_the_rule_allows() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed => Turn.RunAsync(() => new Run(seed).PlayAsync()))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    private sealed class Run
    {
        private readonly Random _random;
        private readonly ListedDirectory _directory;
        private readonly Dictionary<string, List<(DateTimeOffset Since, long Version)>> _history = [];
        private DateTimeOffset _syncedAt = DateTimeOffset.MinValue;

        public Run(int seed)
        {
            _random = new Random(seed);
            _directory = new ListedDirectory(new OrderedStorage { PageSize = _random.Next(1, 12), AsksAhead = seed % 2 == 0 }, "interval(10s)");
            for (var i = 0; i < Names; i++)
            {
                _history[$"{i:D2}"] = [(DateTimeOffset.MinValue, 0)];
            }
        }

        public async Task PlayAsync()
        {
            for (var step = 0; step < 150; step++)
            {
                await StepAsync();
            }

            _directory.Book.Close();
        }

        private async Task StepAsync()
        {
            var name = $"{_random.Next(Names):D2}";
            switch (_random.Next(12))
            {
                case 0 or 1:
                    Change(name);
                    break;
                case 2 or 3:
                    _directory.Time.Advance(TimeSpan.FromSeconds(_random.Next(1, 6)));
                    break;
                case 4 when _random.Next(4) == 0:
                    _directory.Restart();
                    break;
                case 5:
                    var trouble = _random.Next(4) == 0 ? ReadStatus.Unavailable : ReadStatus.Ok;
                    (_directory.Storage.FailPagesWith, _directory.Storage.FailStatsWith) = (trouble, trouble);
                    break;
                case 6 when _random.Next(4) == 0:
                    _directory.Time.Advance(TimeSpan.FromTicks(1)); // so that what came before is before, also for who reads clocks
                    _syncedAt = _directory.Time.GetUtcNow();
                    await _directory.Listings.RaiseFloorAsync(_directory.Storage.Source, "", _syncedAt, default);
                    _directory.Floors.Raise(_directory.Storage.Source, "", isStored: true);
                    break;
                case 7 or 8:
                    await ListAsync();
                    break;
                default:
                    var found = await _directory.LookupAsync(name);
                    if (found.Status is ReadStatus.Ok or ReadStatus.NotFound)
                    {
                        Hold(name, found.Entry?.Metadata.Version.LengthBytes ?? 0, Interval);
                    }

                    break;
            }
        }

        private void Change(string name)
        {
            var now = _directory.Time.GetUtcNow();
            var version = _random.Next(3) == 0 ? 0 : _history[name][^1].Version + _random.Next(1, 3);
            _history[name].Add((now, version));
            if (version == 0)
            {
                _directory.Storage.Remove(name);
            }
            else
            {
                _directory.Storage.Put(name, version);
            }
        }

        private async Task ListAsync()
        {
            string? after = null;
            var allowed = Interval;
            var seen = new List<string>();
            do
            {
                var page = await _directory.Book.ListAsync(after, default);
                if (page.Status != ReadStatus.Ok)
                {
                    Assert.Equal(ReadStatus.Unavailable, page.Status);
                    return;
                }

                foreach (var entry in page.Entries)
                {
                    Hold(entry.Name, entry.Metadata.Version.LengthBytes, allowed);
                    seen.Add(entry.Name);
                }

                Assert.True(page.Next is null || page.Entries.Length > 0);
                after = page.Next;
            }
            while (after is not null);
            Assert.Equal(seen.Distinct().Order(StringComparer.Ordinal), seen);
            foreach (var missing in _history.Keys.Except(seen))
            {
                Hold(missing, 0, allowed);
            }
        }

        /// <summary>The name had this version at some moment not longer ago, and not before the last sync. 0 = it was not there.</summary>
        private void Hold(string name, long version, TimeSpan allowed)
        {
            var oldest = _directory.Time.GetUtcNow() - allowed;
            oldest = oldest > _syncedAt ? oldest : _syncedAt;
            var history = _history[name];
            var isTrue = history.Where((_, at) => at == history.Count - 1 || history[at + 1].Since >= oldest)
                .Any(one => one.Version == version);
            Assert.True(isTrue, $"'{name}' was said to have version {version}, history {string.Join(", ", history)}, oldest allowed {oldest:O}");
        }
    }
}
