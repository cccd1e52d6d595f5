using System.Diagnostics.Metrics;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3MetricsTests
{
    [Fact]
    public async Task What_happens_is_counted_and_every_name_is_in_the_document()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", new byte[1000]);
        using var meter = new Meter("test");
        using var listener = new MeterListener();
        var published = new Dictionary<string, string>();
        var values = new Dictionary<string, long>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == meter)
            {
                published[instrument.Name] = instrument.Description!;
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => values[
            instrument.Name + string.Concat(tags.ToArray().Where(tag => tag.Key != "source").Select(tag => $" {tag.Value}"))] = value);
        source.Factory.Metrics.Publish(meter);
        listener.Start();

        var seen = await source.StatAsync("f");
        await source.ReadAsync("f", seen);
        source.Store.Misbehave(new() { Status = 500, Times = 1 });
        await source.ReadAsync("f", seen);
        source.Store.Misbehave(new() { Status = 403, Times = 1 });
        Assert.Equal(ReadStatus.AccessDenied, (await source.ReadAsync("f", seen)).Status);
        listener.RecordObservableInstruments();

        Assert.Equal(1, values["ocache_under_storage_requests_total head ok"]);
        Assert.Equal(2, values["ocache_under_storage_requests_total get ok"]);
        Assert.Equal(1, values["ocache_under_storage_requests_total get failed"]);
        Assert.Equal(1, values["ocache_under_storage_requests_total get denied"]);
        Assert.Equal(0, values["ocache_under_storage_requests_total probe ok"]);
        Assert.Equal(1, values["ocache_under_storage_retries_total"]);
        Assert.Equal(2000, values["ocache_under_storage_received_bytes_total"]);
        Assert.Equal(0, values["ocache_under_storage_in_flight"]);
        Assert.Equal(0, values["ocache_under_storage_waiting"]);
        Assert.Equal(0, values["ocache_under_storage_away"]);
        Assert.InRange(values["ocache_under_storage_limit"], 1, 64);

        var document = await File.ReadAllTextAsync(Path.Combine(S3OptionTests.Root(), "docs", "METRICS.md"));
        var documented = document.Split('`').Where(word => word.StartsWith("ocache_under_storage_", StringComparison.Ordinal))
            .Where(word => !word.EndsWith('*')).ToHashSet();
        Assert.Equal(documented.Order(StringComparer.Ordinal), published.Keys.Order(StringComparer.Ordinal));
        Assert.All(published.Values, text => Assert.EndsWith(".", text, StringComparison.Ordinal));
    }
}
