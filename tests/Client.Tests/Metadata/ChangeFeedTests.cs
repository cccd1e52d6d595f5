using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache.Client.Tests.Metadata;

/// <summary>When a source is listened to, and what happens when that fails.</summary>
public sealed class ChangeFeedTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly FakeGrains _grains = new();
    private readonly ImpatientTime _time = new(TimeSpan.FromSeconds(12));
    private readonly List<ChangeBatch> _heard = [];
    private readonly ChangeFeed _feed;

    public ChangeFeedTests() => _feed = new ChangeFeed(
        _grains,
        (_, batch) =>
        {
            lock (_heard)
            {
                _heard.Add(batch);
            }
        },
        _time, new Random(1), NullLogger.Instance);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _feed.DisposeAsync();

    [Fact]
    public async Task A_source_is_listened_to_once_however_many_leases_it_has()
    {
        Parallel.For(0, 100, _ => _feed.Touch(_grains.SourceInfo, For(10)));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        Assert.Equal((1, 1), (_feed.Count, _grains.Feed.Calls));
    }

    [Fact]
    public async Task Changes_come_in_order_and_none_twice()
    {
        _feed.Touch(_grains.SourceInfo, For(10));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        for (var i = 0; i < 500; i++)
        {
            _grains.Feed.Say($"d{i}");
        }

        await Eventually.TrueAsync(() => Heard().SelectMany(batch => batch.Changes).Count() >= 500, Bound);
        Assert.Equal(
            Enumerable.Range(0, 500).Select(i => $"d{i}"),
            Heard().SelectMany(batch => batch.Changes).Select(change => change.DirectoryPath));
    }

    [Fact]
    public async Task It_ends_a_minute_after_the_last_lease_and_begins_again_with_the_next()
    {
        _feed.Touch(_grains.SourceInfo, For(10));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        _time.Advance(TimeSpan.FromSeconds(68));
        _grains.Feed.Say("still heard");
        await Eventually.TrueAsync(() => _grains.Feed is { Calls: 2, Waiting: 1 }, Bound);
        _time.Advance(TimeSpan.FromSeconds(10));
        _grains.Feed.Say("the last");
        await Eventually.TrueAsync(() => _feed.Count == 0, Bound);
        Assert.Equal(2, _grains.Feed.Calls);
        _feed.Touch(_grains.SourceInfo, For(10));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        Assert.Equal((1, 3), (_feed.Count, _grains.Feed.Calls));
    }

    [Fact]
    public async Task A_feed_that_fails_is_asked_ever_more_slowly_and_ends_with_the_leases()
    {
        _grains.Feed.Failure = new TimeoutException("slow");
        _feed.Touch(_grains.SourceInfo, For(100));
        await Eventually.TrueAsync(() => _feed.Count == 0, Bound);
        var pauses = _time.Pauses.ToArray();
        Assert.InRange(pauses[0].TotalMilliseconds, 50, 100);
        Assert.InRange(pauses[3].TotalMilliseconds, 400, 800);
        Assert.All(pauses[8..], pause => Assert.InRange(pause.TotalSeconds, 5, 10));
        Assert.True(pauses.Skip(8).Distinct().Count() > 3, "no jitter");
        Assert.InRange(_grains.Feed.Calls, 20, 45); // 160 seconds: 13 in the first 10, then one each 5 to 10.
    }

    [Fact]
    public async Task What_a_failure_before_the_first_answer_may_have_missed_counts_as_missed()
    {
        _grains.Feed.Failure = new TimeoutException("slow");
        _feed.Touch(_grains.SourceInfo, For(3600));
        await Eventually.TrueAsync(() => _grains.Feed.Calls >= 2, Bound);
        _grains.Feed.Failure = null;
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        _grains.Feed.Say("d");
        await Eventually.TrueAsync(() => Heard().Length > 0, Bound);
        Assert.True(Heard()[0].IsGap);
        _grains.Feed.Say("e");
        await Eventually.TrueAsync(() => Heard().Length > 1, Bound);
        Assert.False(Heard()[1].IsGap);
    }

    [Fact]
    public async Task A_failure_later_goes_on_where_it_was()
    {
        _feed.Touch(_grains.SourceInfo, For(3600));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        _grains.Feed.Failure = new TimeoutException("slow");
        _grains.Feed.Say("a");
        await Eventually.TrueAsync(() => Heard().Length == 1, Bound);
        _grains.Feed.Say("b");
        await Eventually.TrueAsync(() => _grains.Feed.Calls >= 4, Bound);
        _grains.Feed.Failure = null;
        await Eventually.TrueAsync(() => Heard().Length == 2, Bound);
        Assert.Equal((false, "b"), (Heard()[1].IsGap, Heard()[1].Changes.Single().DirectoryPath));
    }

    [Fact]
    public async Task A_feed_that_has_nothing_to_say_and_does_not_wait_is_not_asked_in_a_loop()
    {
        _grains.Feed.IsHasty = true;
        _feed.Touch(_grains.SourceInfo, For(3600));
        await Eventually.TrueAsync(() => _time.Pauses.Count >= 5, Bound);
        Assert.All(_time.Pauses.Take(5), pause => Assert.Equal(TimeSpan.FromMilliseconds(100), pause));
    }

    [Fact]
    public async Task Closing_ends_the_wait_and_nothing_begins_after_it()
    {
        _feed.Touch(_grains.SourceInfo, For(3600));
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        await _feed.DisposeAsync();
        Assert.Equal(0, _grains.Feed.Waiting);
        var other = _grains.SourceInfo with { Id = Files.SourceId.FromUri("file:///other") };
        _feed.Touch(other, For(3600));
        Assert.Equal(1, _grains.Feed.Calls);
    }

    private Lease For(int seconds) => Lease.From(_time, _time.GetTimestamp(), TimeSpan.FromSeconds(seconds));

    private ChangeBatch[] Heard()
    {
        lock (_heard)
        {
            return [.. _heard];
        }
    }
}
