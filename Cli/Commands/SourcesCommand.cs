using System.CommandLine;
using OrleansCache.Cli.Output;
using Spectre.Console;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache sources</c>.</summary>
internal static class SourcesCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals) =>
        new Command("sources", "List what is attached").With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var sources = await client.ListSourcesAsync(context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteStartArray("sources");
                    foreach (var source in sources)
                    {
                        EntryJson.WriteSource(json, source);
                    }

                    json.WriteEndArray();
                    json.WriteEndObject();
                });
                return ExitCode.Ok;
            }

            var table = StandardOutput.NewTable("PATH", "URI", "BLOCK SIZE#", "SYNC", "OPTIONS", "FACTS");
            foreach (var source in sources)
            {
                table.AddRow(
                    Markup.Escape(source.Path), Markup.Escape(source.Uri),
                    Units.Bytes(source.Options.BlockSizeBytes), Markup.Escape(source.Options.Sync.ToString()),
                    Markup.Escape(EntryJson.OptionsOf(source)), Markup.Escape(EntryJson.FactsOf(source)));
            }

            StandardOutput.Write(table);
            return ExitCode.Ok;
        });
}
