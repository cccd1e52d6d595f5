using System.Text;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Every request, over both kinds of socket, against a fake silo.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<bool, int, int> Ranges
    {
        get
        {
            var data = new TheoryData<bool, int, int>();
            foreach (var overUnix in new[] { true, false })
            {
                data.Add(overUnix, 0, 1);
                data.Add(overUnix, 4095, 4098);
                data.Add(overUnix, 17, 32 * 1024); // the largest that is copied
                data.Add(overUnix, 17, (32 * 1024) + 1); // the smallest that goes by sendfile
                data.Add(overUnix, 1_000_003, 3_000_001);
                data.Add(overUnix, 0, FrameLimits.MaxReadBytes);
                data.Add(overUnix, 5, FrameLimits.MaxReadBytes + 77_777); // split by the client
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ranges))]
    public async Task A_read_fills_the_callers_buffer_with_the_files_bytes(bool overUnix, int offset, int length)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(offset + length + 5);
        var key = server.Service.Add(content);
        var buffer = new byte[length];

        var outcome = await connection.ReadAsync(key, offset, buffer, default).Ends();

        Assert.Equal(new ReadOutcome(ReadStatus.Ok, length, true), outcome);
        Assert.True(content.AsSpan(offset, length).SequenceEqual(buffer), "the bytes differ");
        Assert.Equal(overUnix, connection.PassesDescriptors);
        await Eventually.Is(() => server.Service.Pins == 0 && server.Metrics.BytesSent == length, "pins are given back");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_arrives_piece_by_piece_is_put_together(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(700_001);
        var key = server.Service.Add(content);
        server.Service.AvailableAtOnce = 99_999;
        var arrive = server.Service.Hold(key);
        var buffer = new byte[content.Length];

        var reading = connection.ReadAsync(key, 0, buffer, default);
        await Eventually.Is(() => server.Service.Waiting == 1, "the read waits in the silo");
        arrive();

        Assert.Equal(new ReadOutcome(ReadStatus.Ok, content.Length, false), await reading.Ends());
        Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
    }

    [Fact]
    public async Task A_range_past_the_end_fails_after_the_bytes_that_exist()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));

        var outcome = await connection.ReadAsync(key, 900, new byte[200], default).Ends();

        Assert.Equal((ReadStatus.InvalidRequest, 100), (outcome.Status, outcome.Bytes));
        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
    }

    [Fact]
    public async Task A_full_store_is_read_past()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var content = Eventually.Ramp((3 << 20) + 5);
        var key = server.Service.Add(content);
        server.Service.IsFull = true;
        var buffer = new byte[content.Length];

        var outcome = await connection.ReadAsync(key, 0, buffer, default).Ends();

        Assert.Equal(new ReadOutcome(ReadStatus.Ok, content.Length, false), outcome);
        Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
        Assert.Equal(content.Length, server.Metrics.ReadThroughBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task A_range_evicted_before_it_was_pinned_is_ensured_again_and_at_last_read_past_the_store(int lostPins)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var content = Eventually.Ramp(5000);
        var key = server.Service.Add(content);
        server.Service.LostPins = lostPins;
        var buffer = new byte[content.Length];

        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, buffer, default).Ends()).Status);
        Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
        Assert.Equal(lostPins > 3 ? content.Length : 0, server.Metrics.ReadThroughBytes);
    }

    /// <summary>Else every reader of the block would fail until the scrub comes by, though the source has it.</summary>
    [Theory]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public async Task A_range_that_cannot_be_read_is_told_to_the_store(int length)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(length));
        using (var file = File.OpenWrite(server.Service.PathOf(key)))
        {
            file.SetLength(0);
        }

        // A short range is answered with a status, a long one loses the connection.
        var reading = connection.ReadAsync(key, 0, new byte[length], default).Ends();
        Assert.True(await Record.ExceptionAsync(async () => await reading) is not null || (await reading).Status == ReadStatus.Unavailable);
        await Eventually.Is(() => server.Service.Unreadable.TryPeek(out var told) && told == (key, 0, length), "the store is told");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ensure_answers_what_the_silo_says(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var key = server.Service.Add(Eventually.Ramp(1000));

        Assert.Equal(new ResidencyOutcome(ReadStatus.Ok, 7, 600, true), await connection.EnsureAsync(key, 400, 5000, default).Ends());
        Assert.Equal(ReadStatus.InvalidRequest, (await connection.EnsureAsync(key, -1, 5, default).Ends()).Status);
        Assert.Equal(
            ReadStatus.CapabilityRequired, (await connection.EnsureAsync(default, 0, 1, default).Ends()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_capability_arrives_as_it_was_issued(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var capability = Capability("dir/a file");

        Assert.Equal(ReadStatus.Ok, await connection.PresentAsync(capability, default).Ends());
        Assert.Equal(ReadStatus.CapabilityRefused, await connection.PresentAsync(Capability("refused"), default).Ends());
        Assert.Equal(1, server.Metrics.CapabilitiesRefused);
        Assert.True(server.Service.Presented.TryDequeue(out var presented));
        Assert.Equal(capability, presented);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Prefetch_report_and_status_arrive(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var key = new FileKey(1, 2);
        var reports = Enumerable.Range(0, 256).Select(index => new UsageReport(key, index, 10L * index)).ToArray();

        Assert.Equal(ReadStatus.Ok, await connection.PrefetchAsync(key, 3, 4, default).Ends());
        Assert.Equal(ReadStatus.Ok, await connection.ReportAsync(reports, default).Ends());
        var status = await connection.GetStatusAsync(default).Ends();

        Assert.Equal("{\"cluster\": \"test\"}", Encoding.UTF8.GetString(status.Json.Span));
        Assert.Equal(reports, server.Service.Reports);
        Assert.Equal([(key, 3L, 4L)], server.Service.Prefetches);
        Assert.Equal(1, server.Metrics.Requests(FrameType.Report));
    }

    [Fact]
    public async Task A_silo_that_throws_is_an_unavailable_silo_and_the_connection_goes_on()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(100));
        server.Service.Throws = new InvalidOperationException("broken for the test");
        server.Service.IsFull = false;

        Assert.Equal(ReadStatus.Unavailable, (await connection.EnsureAsync(key, 0, 10, default).Ends()).Status);
        server.Service.Throws = null;
        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
        Assert.Equal(1, server.Metrics.ServiceFailures);
    }

    private static ReadCapability Capability(string path) => ReadCapability.Issue(
        new SourceId(9), path, new FileId(1, 2), new FileVersion(1000, 5, 6, "etag"), new BlockLayout(1 << 20),
        DateTimeOffset.UnixEpoch.AddDays(1), "sealing key"u8);
}
