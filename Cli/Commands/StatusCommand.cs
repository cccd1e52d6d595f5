using System.CommandLine;
using System.Text.Json;
using OrleansCache.Cli.Output;
using Spectre.Console;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache status</c>.</summary>
internal static class StatusCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals) =>
        new Command("status", "Show silos, tiers and what was read from where").With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var status = await client.GetStatusAsync(context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json => WriteJson(json, context.Access.Cluster, status));
            }
            else
            {
                WriteTables(status);
            }

            return ExitCode.Ok;
        });

    private static void WriteJson(Utf8JsonWriter json, string cluster, ClusterStatus status)
    {
        json.WriteStartObject();
        json.WriteString("cluster", cluster);
        json.WriteStartArray("silos");
        foreach (var silo in status.Silos)
        {
            WriteSilo(json, silo);
        }

        json.WriteEndArray();
        json.WriteStartArray("sources");
        foreach (var source in status.Sources)
        {
            WriteSource(json, source);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSilo(Utf8JsonWriter json, SiloStatus silo)
    {
        json.WriteStartObject();
        json.WriteString("silo", silo.Name);
        json.WriteNumber("generation", silo.Generation);
        json.WriteBoolean("reachable", silo.Error is null);
        if (silo.Error is not null)
        {
            json.WriteString("error", silo.Error);
            json.WriteEndObject();
            return;
        }

        json.WriteStartArray("tiers");
        foreach (var tier in silo.Tiers)
        {
            json.WriteStartObject();
            DisksCommand.WriteTier(json, tier);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("memory");
        json.WriteNumber("rss_bytes", silo.RssBytes);
        json.WriteNumber("budget_bytes", silo.MemoryBudgetBytes);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSource(Utf8JsonWriter json, SourceStatus source)
    {
        json.WriteStartObject();
        json.WriteString("id", source.Id);
        json.WriteString("path", source.Path);
        json.WriteString("uri", source.Uri);
        json.WriteNumber("hits", source.Hits);
        json.WriteNumber("misses", source.Misses);
        if (source.HitRatio is { } ratio)
        {
            json.WriteNumber("hit_ratio", Math.Round(ratio, 6));
        }
        else
        {
            json.WriteNull("hit_ratio");
        }

        json.WriteNumber("bytes_from_cache", source.BytesFromCache);
        json.WriteNumber("bytes_from_under_storage", source.BytesFromUnderStorage);
        json.WriteNumber("under_storage_reads", source.UnderStorageReads);
        json.WriteNumber("cached_bytes", source.CachedBytes);
        json.WriteEndObject();
    }

    private static void WriteTables(ClusterStatus status)
    {
        var silos = StandardOutput.NewTable("SILO", "STATE", "MEMORY#", "TIER", "USED#", "CAPACITY#");
        foreach (var silo in status.Silos)
        {
            var memory = $"{Units.Bytes(silo.RssBytes)} / {Units.Bytes(silo.MemoryBudgetBytes)}";
            var state = silo.Error is null ? "serving" : Markup.Escape(silo.Error);
            if (silo.Tiers.Count == 0)
            {
                silos.AddRow(Markup.Escape(silo.Name), state, silo.Error is null ? memory : "-", "-", "-", "-");
            }

            foreach (var tier in silo.Tiers)
            {
                silos.AddRow(
                    Markup.Escape(silo.Name), state, memory, Markup.Escape(tier.Path),
                    Units.Bytes(tier.UsedBytes), Units.Bytes(tier.CapacityBytes));
            }
        }

        StandardOutput.Write(silos);
        var sources = StandardOutput.NewTable(
            "SOURCE", "HITS#", "MISSES#", "HIT RATIO#", "FROM CACHE#", "FROM UNDER STORAGE#", "ITS READS#", "CACHED#");
        foreach (var source in status.Sources)
        {
            sources.AddRow(
                Markup.Escape(source.Path), EntryJson.Plain(source.Hits), EntryJson.Plain(source.Misses),
                Units.Percent(source.HitRatio), Units.Bytes(source.BytesFromCache),
                Units.Bytes(source.BytesFromUnderStorage), EntryJson.Plain(source.UnderStorageReads),
                Units.Bytes(source.CachedBytes));
        }

        StandardOutput.Write(sources);
    }
}
