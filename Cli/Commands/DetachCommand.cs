using System.CommandLine;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache detach PATH</c>.</summary>
internal static class DetachCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "Where the source is attached");
        var command = new Command("detach", "Detach a source; its cached blocks stay until they are evicted") { path };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var source = await client.DetachAsync(context.Arguments.GetRequiredValue(path), context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json => EntryJson.WriteSource(json, source));
            }
            else
            {
                context.Output.WriteLine($"detached {source.Uri} from {source.Path}");
            }

            return ExitCode.Ok;
        });
    }
}
