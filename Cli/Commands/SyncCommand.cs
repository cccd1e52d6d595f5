using System.CommandLine;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache sync PATH</c>. Looks afterwards, so that a store that cannot be asked is said.</summary>
internal static class SyncCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "File or directory in a source, or / for all sources");
        var command = new Command("sync", "See what the under storage has now, at a path and below") { path };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var entry = await client.SyncAsync(context.Arguments.GetRequiredValue(path), context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json => EntryJson.WriteSynced(json, entry));
            }
            else
            {
                context.Output.WriteLine($"synced {entry.Path}");
            }

            return ExitCode.Ok;
        });
    }
}
