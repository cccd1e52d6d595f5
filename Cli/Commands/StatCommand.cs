using System.CommandLine;
using OrleansCache.Cli.Output;
using OrleansCache.Files;
using Spectre.Console;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache stat PATH</c>.</summary>
internal static class StatCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "File, directory or link");
        var command = new Command("stat", "Show one entry, its version and what of it is cached") { path };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var (entry, residency) = await client.InspectAsync(context.Arguments.GetRequiredValue(path), context.Stop)
                .ConfigureAwait(false);
            var target = entry.Kind == FileKind.Symlink
                ? await client.ReadLinkAsync(entry.Path, context.Stop).ConfigureAwait(false)
                : null;
            if (context.IsJson)
            {
                context.Output.WriteJson(json => EntryJson.WriteStat(json, entry, residency, target));
            }
            else
            {
                StandardOutput.Write(Describe(entry, residency, target));
            }

            return ExitCode.Ok;
        });
    }

    private static Grid Describe(CacheEntry entry, CacheResidency? residency, string? target)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        void Row(string name, string? value)
        {
            if (value is not null)
            {
                grid.AddRow($"[bold]{name}[/]", Markup.Escape(value));
            }
        }

        Row("path", entry.Path);
        Row("kind", EntryJson.KindOf(entry.Kind));
        Row("size", $"{Units.Bytes(entry.LengthBytes)} ({EntryJson.Plain(entry.LengthBytes)})");
        Row("version", entry.Version);
        Row("file key", entry.Key?.ToString());
        Row("block size", entry.BlockSizeBytes is { } size ? Units.Bytes(size) : null);
        Row("cached", residency is null ? null : residency.CachedPercent is { } percent
            ? $"{percent}% ({residency.CachedBlocks} of {residency.Blocks} blocks)"
            : $"unknown from this host ({residency.Blocks} blocks)");
        Row("source", entry.SourcePath);
        Row("mode", $"{EntryJson.ModeOf(entry.Mode)} {EntryJson.Permissions(entry)}");
        Row("owner", $"{entry.Uid}:{entry.Gid}");
        Row("modified", Units.Time(entry.ModifiedNs));
        Row("changed", Units.Time(entry.ChangedNs));
        Row("target", target);
        return grid;
    }
}
