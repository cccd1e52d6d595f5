using System.Security.Cryptography;
using OrleansCache.Fakes.S3;
using OrleansCache.Files;
using StoreOperation = OrleansCache.Fakes.S3.S3Operation;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Whole version or error, and no request more than needed.</summary>
public sealed class S3ReadTests
{
    private static readonly byte[] Content = RandomNumberGenerator.GetBytes(1_000_000);

    [Fact]
    public async Task A_range_is_one_request_with_its_etag()
    {
        await using var source = await S3Source.CreateAsync("set");
        var put = source.Store.Put(S3Source.Bucket, "set/a b/ü+%", Content);
        var seen = await source.StatAsync("a b/ü+%");
        Assert.Equal(Content.Length, seen.Version.LengthBytes);
        Assert.Equal(put.ETag, seen.Version.ETag);
        source.Store.Log.Reset();

        var (status, bytes) = await source.ReadAsync("a b/ü+%", seen, 1000, 500_000);
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(Content[1000..501_000], bytes);
        var only = Assert.Single(source.Store.Log.Requests);
        Assert.Equal("bytes=1000-500999", only.Range);
        Assert.Equal($"\"{put.ETag}\"", only.IfMatch);

        var pieces = new Pieces();
        Assert.Equal(ReadStatus.Ok, await source.Storage.StreamAsync(
            "a b/ü+%", seen.Id, seen.Version, 0, Content.Length, new byte[70_000], pieces, S3Source.Soon));
        Assert.Equal(Content, pieces.Bytes);
        Assert.InRange(pieces.Longest, 1, 70_000);
        Assert.Equal(2, source.Store.Log.Total);
    }

    [Fact]
    public async Task Edges_of_a_file_are_read_and_what_lies_beyond_is_refused_without_asking()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        source.Store.Put(S3Source.Bucket, "empty", []);
        var seen = await source.StatAsync("f");
        var empty = await source.StatAsync("empty");
        Assert.Equal(Content[^1..], (await source.ReadAsync("f", seen, Content.Length - 1, 1)).Bytes);
        Assert.Equal(Content[..1], (await source.ReadAsync("f", seen, 0, 1)).Bytes);
        source.Store.Log.Reset();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen, Content.Length, 0)).Status);
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("empty", empty)).Status);
        Assert.Equal(ReadStatus.InvalidRequest, (await source.ReadAsync("f", seen, Content.Length, 1)).Status);
        Assert.Equal(ReadStatus.InvalidRequest, (await source.ReadAsync("f", seen, -1, 1)).Status);
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("other", seen, 0, 1)).Status);
        Assert.Equal(0, source.Store.Log.Total);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_taken_up_where_it_broke()
    {
        await using var source = await S3Source.CreateAsync();
        var put = source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        source.Store.Misbehave(new Misbehaviour { Times = 2, TruncateAfter = 300_000 });
        var pieces = new Pieces();
        Assert.Equal(ReadStatus.Ok, await source.Storage.StreamAsync(
            "f", seen.Id, seen.Version, 0, Content.Length, new byte[65_536], pieces, S3Source.Soon));
        Assert.Equal(Content, pieces.Bytes);
        var gets = source.Store.Log.Requests;
        Assert.Equal(3, gets.Count);
        Assert.All(gets, get => Assert.Equal($"\"{put.ETag}\"", get.IfMatch));
        var starts = gets.Select(get => int.Parse(get.Range!["bytes=".Length..].Split('-')[0], null)).ToList();
        Assert.Equal(starts.Order(), starts);
        Assert.InRange(starts[1], 1, 300_000);
        Assert.InRange(starts[2], starts[1] + 1, 600_000);
    }

    [Fact]
    public async Task A_body_that_hangs_is_taken_up_after_the_timeout()
    {
        await using var source = await S3Source.CreateAsync("", ("timeout", "300ms"));
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Misbehave(new Misbehaviour { Times = 1, HangAfter = 100_000 });
        var (status, bytes) = await source.ReadAsync("f", seen);
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(Content, bytes);
    }

    [Fact]
    public async Task A_body_slower_than_the_deadline_ends_at_the_deadline()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Misbehave(new Misbehaviour { BytesPerSecond = 20_000 });
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.ReadAsync("f", seen, deadline: deadline.Token)).Status);
        source.Store.Behave();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
    }

    [Fact]
    public async Task Another_version_is_never_read()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Put(S3Source.Bucket, "f", RandomNumberGenerator.GetBytes(Content.Length));
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", seen)).Status);
        using (source.Store.Misbehave(new Misbehaviour { IgnoreConditions = true }))
        {
            Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", seen)).Status);
        }

        source.Store.Put(S3Source.Bucket, "f", [1]);
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", seen)).Status);
        source.Store.Delete(S3Source.Bucket, "f");
        Assert.Equal(ReadStatus.NotFound, (await source.ReadAsync("f", seen)).Status);
        source.Store.Put(S3Source.Bucket, "f", Content);
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
    }

    [Fact]
    public async Task A_version_replaced_while_it_breaks_off_is_not_completed_with_another()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        var other = RandomNumberGenerator.GetBytes(Content.Length);
        source.Store.Misbehave(new Misbehaviour
        {
            Times = 1,
            TruncateAfter = 300_000,
            MidReadAfter = 100_000,
            MidRead = () => source.Store.Put(S3Source.Bucket, "f", other),
        });
        var pieces = new Pieces();
        Assert.Equal(ReadStatus.StaleVersion, await source.Storage.StreamAsync(
            "f", seen.Id, seen.Version, 0, Content.Length, new byte[65_536], pieces, S3Source.Soon));
        Assert.Equal(Content[..pieces.Bytes.Length], pieces.Bytes);
    }

    [Theory]
    [InlineData(403, null, ReadStatus.AccessDenied)]
    [InlineData(404, null, ReadStatus.NotFound)]
    [InlineData(412, null, ReadStatus.StaleVersion)]
    [InlineData(416, null, ReadStatus.StaleVersion)]
    [InlineData(403, "RequestTimeTooSkewed", ReadStatus.Unavailable)]
    [InlineData(400, "ExpiredToken", ReadStatus.Unavailable)]
    [InlineData(400, "InvalidRequest", ReadStatus.Unavailable)]
    public async Task Answers_that_trying_again_does_not_change_are_given_at_once(int status, string? code, ReadStatus expected)
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        source.Store.Misbehave(new Misbehaviour { Status = status, Code = code });
        Assert.Equal(expected, (await source.ReadAsync("f", seen)).Status);
        Assert.Equal(1, source.Store.Log.Total);
        source.Store.Behave();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task Answers_that_pass_are_asked_again(int status)
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        source.Store.Misbehave(new Misbehaviour { Status = status, Times = 3 });
        var (outcome, bytes) = await source.ReadAsync("f", seen);
        Assert.Equal(ReadStatus.Ok, outcome);
        Assert.Equal(Content, bytes);
        Assert.Equal(4, source.Store.Log.Total);
    }

    [Fact]
    public async Task A_store_that_only_fails_is_asked_until_the_deadline()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        source.Store.Misbehave(new Misbehaviour { Status = 500 });
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.ReadAsync("f", seen, deadline: deadline.Token)).Status);
        Assert.InRange(source.Store.Log.Total, 2, 60);
    }

    [Fact]
    public async Task A_range_that_was_not_asked_for_is_refused()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Misbehave(new Misbehaviour { WrongContentRange = true });
        var pieces = new Pieces();
        Assert.Equal(ReadStatus.Unavailable, await source.Storage.StreamAsync(
            "f", seen.Id, seen.Version, 10, 1000, new byte[1000], pieces, S3Source.Soon));
        Assert.Empty(pieces.Bytes);
    }

    [Fact]
    public async Task A_sink_that_has_enough_ends_the_read()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.PutSynthetic(S3Source.Bucket, "f", 1L << 30, 7);
        var seen = await source.StatAsync("f");
        var pieces = new Pieces(stopAfter: 200_000);
        Assert.Equal(ReadStatus.Ok, await source.Storage.StreamAsync(
            "f", seen.Id, seen.Version, 0, 1L << 30, new byte[65_536], pieces, S3Source.Soon));
        Assert.InRange(pieces.Bytes.Length, 200_000, 300_000);
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen, 5, 100)).Status);
    }

    [Fact]
    public async Task A_store_that_is_gone_answers_at_the_deadline_and_is_there_again_when_it_is_back()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        await source.Store.StopListeningAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var reads = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => source.ReadAsync("f", seen, deadline: deadline.Token)));
        Assert.All(reads, read => Assert.Equal(ReadStatus.DeadlineExceeded, read.Status));
        await source.Store.StartListeningAsync();
        source.Store.Log.Reset();
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
        Assert.Contains("does not answer", source.Log.Text, StringComparison.Ordinal);
        Assert.Contains("answers again", source.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_back_and_slow_keeps_nobody_from_asking()
    {
        await using var source = await S3Source.CreateAsync("", ("timeout", "5m"));
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        using (source.Store.Misbehave(new Misbehaviour { Status = 500 }))
        {
            using var impatience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            Assert.NotEqual(ReadStatus.Ok, (await source.Storage.StatAsync("f", impatience.Token)).Status);
        }

        using var patience = new CancellationTokenSource();
        using var hanging = source.Store.Misbehave(
            new Misbehaviour { When = Misbehaviour.On(StoreOperation.GetObject, "f"), HangAfter = 500_000 });
        var reading = source.ReadAsync("f", seen, deadline: patience.Token);
        while (!reading.IsCompleted && source.Store.Log.Count(StoreOperation.GetObject) == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.Equal(ReadStatus.Ok, (await source.Storage.StatAsync("f", soon.Token)).Status);
        Assert.False(reading.IsCompleted);
        await patience.CancelAsync();
        await reading;
    }

    [Fact]
    public async Task Requests_stay_within_the_bucket_also_when_they_fail()
    {
        await using var source = await S3Source.CreateAsync("", ("requests-per-second", "20"));
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        source.Store.Misbehave(new Misbehaviour { Status = 503, Times = 15 });
        var reads = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => source.ReadAsync("f", seen, 0, 10)));
        Assert.All(reads, read => Assert.Equal(ReadStatus.Ok, read.Status));
        var times = source.Store.Log.Requests.Select(one => one.Timestamp).Order().ToList();
        var took = TimeProvider.System.GetElapsedTime(times[0], times[^1]).TotalSeconds;
        Assert.InRange(times.Count, 45, 46);
        Assert.True(times.Count <= (took * 20) + 6, $"{times.Count} requests in {took} s");
    }

    [Fact]
    public async Task Bytes_stay_within_the_bucket()
    {
        await using var source = await S3Source.CreateAsync("", ("bytes-per-second", "1MiB"));
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        var began = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", seen)).Status);
        }

        // A quarter of a second's worth is free and the last one makes a debt for others: so two of three wait.
        Assert.True(TimeProvider.System.GetElapsedTime(began).TotalSeconds > 1.4);
    }

    [Fact]
    public async Task Many_readers_at_once_get_their_ranges()
    {
        await using var source = await S3Source.CreateAsync("", ("concurrency", "4"));
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Log.Reset();
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, _) =>
        {
            var (status, bytes) = await source.ReadAsync("f", seen, i * 5000, 5000);
            Assert.Equal(ReadStatus.Ok, status);
            Assert.True(Content.AsSpan(i * 5000, 5000).SequenceEqual(bytes));
        });
        Assert.Equal(200, source.Store.Log.Count(StoreOperation.GetObject));
        Assert.InRange(source.Store.Log.MaxInFlight, 1, 4 + 1); // the log's request ends a moment after its last byte
    }

    [Fact]
    public async Task After_disposal_everything_is_unavailable()
    {
        var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", Content);
        var seen = await source.StatAsync("f");
        source.Store.Misbehave(new Misbehaviour { Hang = true });
        var underWay = source.ReadAsync("f", seen);
        var asking = source.Storage.StatAsync("f", S3Source.Soon).AsTask();
        while (source.Store.Log.InFlight < 2)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, S3Source.Soon);
        }

        await source.Storage.DisposeAsync();
        Assert.Equal(ReadStatus.Unavailable, (await underWay).Status);
        Assert.Equal(ReadStatus.Unavailable, (await asking).Status);
        Assert.Equal(ReadStatus.Unavailable, (await source.ReadAsync("f", seen)).Status);
        Assert.Equal(ReadStatus.Unavailable, (await source.Storage.StatAsync("f", S3Source.Soon)).Status);
        await source.DisposeAsync();
    }
}
