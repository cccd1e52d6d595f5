using System.CommandLine;
using System.Text.Json;
using OrleansCache.Cli.Output;
using Spectre.Console;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache disks</c>, <c>ocache disks out DIR</c> and <c>ocache disks in DIR</c>.</summary>
internal static class DisksCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var list = new Command("disks", "List the silos' disks, take one out of service or put it in again")
        {
            BuildChange(globals, "out", "Stop using a disk; what it holds is fetched again when it is needed", inService: false),
            BuildChange(globals, "in", "Use a disk again, also one that failed; what is left on it is served", inService: true),
        };
        return list.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var status = await client.GetStatusAsync(context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json => WriteJson(json, status));
            }
            else
            {
                WriteTable(status);
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>The members of one disk.</summary>
    internal static void WriteTier(Utf8JsonWriter json, TierStatus tier)
    {
        json.WriteString("path", tier.Path);
        json.WriteString("medium", tier.Medium);
        json.WriteString("state", tier.State);
        json.WriteString("reason", tier.Reason);
        json.WriteNumber("capacity_bytes", tier.CapacityBytes);
        json.WriteNumber("used_bytes", tier.UsedBytes);
        json.WriteNumber("blocks", tier.Blocks);
    }

    private static Command BuildChange(GlobalOptions globals, string name, string description, bool inService)
    {
        var directory = new Argument<string>("DIR") { Description = "The disk's directory, as `ocache disks` shows it" };
        var silo = new Option<string?>("--silo") { HelpName = "NAME", Description = "Of which silo; needed when there are several" };
        var command = new Command(name, description) { directory, silo };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var path = Path.GetFullPath(context.Arguments.GetRequiredValue(directory));
            var changed = await client.SetDiskAsync(path, inService, context.Arguments.GetValue(silo), context.Stop)
                .ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("silo", changed);
                    json.WriteString("path", path);
                    json.WriteString("state", name);
                    json.WriteEndObject();
                });
            }
            else
            {
                context.Output.WriteLine($"disk {path} of silo {changed} is {name}");
            }

            return ExitCode.Ok;
        });
    }

    private static void WriteJson(Utf8JsonWriter json, ClusterStatus status)
    {
        json.WriteStartObject();
        json.WriteStartArray("disks");
        foreach (var silo in status.Silos)
        {
            foreach (var tier in silo.Tiers)
            {
                json.WriteStartObject();
                json.WriteString("silo", silo.Name);
                WriteTier(json, tier);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("unreachable");
        foreach (var silo in status.Silos.Where(silo => silo.Error is not null))
        {
            json.WriteStringValue(silo.Name);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTable(ClusterStatus status)
    {
        var disks = StandardOutput.NewTable("SILO", "DISK", "MEDIUM", "STATE", "USED#", "CAPACITY#", "BLOCKS#");
        foreach (var silo in status.Silos)
        {
            if (silo.Error is not null)
            {
                disks.AddRow(Markup.Escape(silo.Name), "-", "-", Markup.Escape(silo.Error), "-", "-", "-");
            }

            foreach (var tier in silo.Tiers)
            {
                var state = tier.Reason is null ? tier.State : $"{tier.State}: {tier.Reason}";
                disks.AddRow(
                    Markup.Escape(silo.Name), Markup.Escape(tier.Path), tier.Medium, Markup.Escape(state),
                    Units.Bytes(tier.UsedBytes), Units.Bytes(tier.CapacityBytes), EntryJson.Plain(tier.Blocks));
            }
        }

        StandardOutput.Write(disks);
    }
}
