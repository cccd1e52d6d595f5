using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Docs/SEMANTICS.md §8 over any bucket.</summary>
public sealed class S3ListingPropertyTests
{
    private const int Buckets = 400;

    [Fact]
    public void Any_bucket_is_listed_as_files_that_lead_back_to_their_keys_or_is_named_unreachable() =>
        ForAnyBucket(NastyKeys.Any, minPage: 30, (objects, pages, prefix, resumes, mayResume) =>
        {
            var (directories, unreachable) = TreeWalk.WalkAsync(pages, prefix, resumes).GetAwaiter().GetResult();
            var found = new List<string>();
            foreach (var (directory, entries) in directories)
            {
                Assert.Equal(entries.Count, entries.Select(entry => entry.Name).Distinct(StringComparer.Ordinal).Count());
                foreach (var entry in entries)
                {
                    AssertLinuxHolds(entry.Name);
                    var path = TreeWalk.PathOf(directory, entry.Name);
                    Assert.True(S3Names.TryResolve(path, out var place), path);
                    var key = prefix + place.Key;
                    var length = objects.TryGetValue(key, out var one) ? one.Length : (long?)null;
                    var hasKeysBelow = objects.Keys.Any(other => other.StartsWith(prefix + place.Prefix, StringComparison.Ordinal));
                    Assert.Equal(entry.Metadata.Kind, place.Decide(length, hasKeysBelow));
                    if (entry.Metadata.Kind == FileKind.File)
                    {
                        found.Add(key);
                        Assert.Equal(MetadataOf(one, place.Key), entry.Metadata);
                    }
                    else
                    {
                        Assert.Equal(S3Metadata.OfPrefix(TreeWalk.Source, TreeWalk.Presentation, place.Prefix), entry.Metadata);
                    }
                }
            }

            foreach (var one in objects.Values.Where(one => one.Length > 0 || !(one.Key.EndsWith('/') || one.Key == prefix)))
            {
                var text = S3Names.ForPeople(one.Key);
                var hidden = unreachable.Count(told => told == text
                    || (told.EndsWith('/') && text.StartsWith(told, StringComparison.Ordinal)));
                var listed = found.Count(key => key == one.Key);
                var isTold = listed + hidden == 1 || (mayResume && listed == 0 && hidden > 1); // again to whoever goes on before it
                Assert.True(isTold, $"'{text}' listed {listed} times, hidden {hidden} times");
                Assert.True(hidden == 0 || MayBeUnreachable(one.Key), $"'{text}' is hidden without need");
            }
        });

    [Fact]
    public void No_two_things_of_a_bucket_have_one_path_position_or_identity() =>
        ForAnyBucket(NastyKeys.Any, minPage: 30, (_, pages, prefix, resumes, _) =>
        {
            var (directories, _) = TreeWalk.WalkAsync(pages, prefix, resumes).GetAwaiter().GetResult();
            var all = directories
                .SelectMany(one => one.Entries.Select(entry => (Path: TreeWalk.PathOf(one.Directory, entry.Name), entry.Metadata.Id)))
                .Append((Path: string.Empty, S3Metadata.OfPrefix(TreeWalk.Source, TreeWalk.Presentation, string.Empty).Id))
                .ToList();
            Assert.Equal(all.Count, all.Select(one => one.Path).Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(all.Count, all.Select(one => one.Id).Distinct().Count());
            foreach (var (_, entries) in directories)
            {
                var positions = entries.Select(entry => entry.PositionInDirectory).ToList();
                Assert.All(positions, position => Assert.NotEqual(string.Empty, position));
                Assert.All(positions.Zip(positions.Skip(1)), pair =>
                    Assert.True(PagesInMemory.CompareUtf8(pair.First, pair.Second) < 0, $"'{pair.First}' then '{pair.Second}'"));
            }
        });

    [Fact]
    public void Pages_of_any_size_and_listings_that_go_on_in_another_process_give_the_same() =>
        ForAnyBucket(NastyKeys.Certain, minPage: 1, (objects, pages, prefix, resumes, mayResume) =>
        {
            var atOnce = new PagesInMemory(objects.Values, new Random(0), 1000, 1000, AfterPrefix.Repeats);
            var expected = TreeWalk.WalkAsync(atOnce, prefix, () => false).GetAwaiter().GetResult();
            var actual = TreeWalk.WalkAsync(pages, prefix, resumes).GetAwaiter().GetResult();
            IEnumerable<string> Told(List<string> keys) => (mayResume ? keys.Distinct() : keys).Order(StringComparer.Ordinal);
            Assert.Equal(Told(expected.Unreachable), Told(actual.Unreachable));
            Assert.Equal(expected.Directories.Count, actual.Directories.Count);
            Assert.All(expected.Directories.Zip(actual.Directories), pair =>
            {
                Assert.Equal(pair.First.Directory, pair.Second.Directory);
                Assert.Equal(pair.First.Entries, pair.Second.Entries);
            });
        });

    [Fact]
    public void A_key_that_is_there_all_the_time_is_listed_once_however_the_bucket_changes_meanwhile()
    {
        var cases = from keys in NastyKeys.Certain
                    from seed in Gen.Choose(0, int.MaxValue - 1)
                    from mode in Gen.Elements(Enum.GetValues<AfterPrefix>())
                    select (keys, seed, mode);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            // What comes and goes, and what is empty, changes from page to page; the first half of the keys stays.
            var random = new Random(one.seed);
            var staying = one.keys.Take((one.keys.Length + 1) / 2).Select(key => key.Replace('/', '-')).Distinct().ToList();
            var others = one.keys.Skip(staying.Count).ToList();
            var pages = new PagesInMemory([], random, 2, 5, one.mode)
            {
                Change = () => NastyKeys.ToObjects(
                    staying.Concat(others.Where(_ => random.Next(2) == 0)).Distinct(), random.Next()),
            };
            var (status, entries, unreachable) =
                TreeWalk.ListAsync(pages, string.Empty, string.Empty, () => random.Next(2) == 0).GetAwaiter().GetResult();
            Assert.Equal(ReadStatus.Ok, status);
            Assert.Equal(entries.Count, entries.Select(entry => entry.Name).Distinct(StringComparer.Ordinal).Count());
            var listed = entries.Where(entry => entry.Metadata.Kind == FileKind.File)
                .Select(entry => S3Names.TryResolve(entry.Name, out var place) ? place.Key : null)
                .Concat(unreachable).ToList();
            Assert.All(staying, key =>
            {
                // One that no path can name is told again to whoever goes on before it.
                var times = listed.Count(found => found == key || found == S3Names.ForPeople(key));
                Assert.True(S3Names.ToName(key) is null ? times > 0 : times == 1, $"'{key}' {times} times");
            });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Buckets));
    }

    private static void ForAnyBucket(
        Gen<string[]> keys, int minPage, Action<Dictionary<string, S3Object>, PagesInMemory, string, Func<bool>, bool> check)
    {
        var cases = from bucket in keys
                    from seed in Gen.Choose(0, int.MaxValue - 1)
                    from prefix in Gen.Elements(string.Empty, "a/", "%empty/", "a//")
                    from mode in Gen.Elements(Enum.GetValues<AfterPrefix>())
                    from resumes in Gen.Choose(0, 2)
                    select (bucket, seed, prefix, mode, resumes);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var own = one.prefix.Length > 0 && one.seed % 3 == 0 ? one.prefix : one.prefix + "z"; // the root's marker, or its %empty
            var objects = NastyKeys.ToObjects(one.bucket.Select(key => one.prefix + key).Append(own), one.seed)
                .DistinctBy(each => each.Key)
                .ToDictionary(each => each.Key, StringComparer.Ordinal);
            var random = new Random(one.seed);
            var least = one.mode == AfterPrefix.Repeats ? Math.Max(2, minPage) : minPage; // one would never get anywhere
            var pages = new PagesInMemory(objects.Values, random, least, least + 6, one.mode);
            check(objects, pages, one.prefix, () => one.resumes > 0 && (one.resumes == 2 || random.Next(2) == 0), one.resumes > 0);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Buckets));
    }

    private static FileMetadata MetadataOf(S3Object one, string key) =>
        S3Metadata.OfObject(TreeWalk.Source, TreeWalk.Presentation, key, one.Length, one.LastModified, $"\"{one.ETag}\"");

    private static void AssertLinuxHolds(string name)
    {
        var bytes = EntryName.ToBytes(name);
        Assert.InRange(bytes.Length, 1, EntryName.MaxBytes);
        Assert.DoesNotContain((byte)'/', bytes);
        Assert.DoesNotContain((byte)0, bytes);
        Assert.False(name is "." or "..");
        Assert.Equal(name, EntryName.FromBytes(bytes));
    }

    private static bool MayBeUnreachable(string key) =>
        key.Contains('\0') || key.Contains('\uFFFD')
        || key.Split('/').Any(segment => Encoding.UTF8.GetByteCount(segment) > EntryName.MaxBytes - "%prefix".Length);
}
