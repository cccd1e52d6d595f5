using System.CommandLine;
using OrleansCache.Cli.Transfer;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache cp PATH LOCAL [-r]</c>: out of the cache, never into it.</summary>
internal static class CpCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "File or directory of the namespace");
        var local = new Argument<string>("LOCAL") { Description = "Local file, or directory to copy into" };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "Copy a directory" };
        var command = new Command("cp", "Copy out of the cache") { path, local, recursive };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var copy = new TreeCopy(client, TimeProvider.System);
            var result = await copy.RunAsync(
                context.Arguments.GetRequiredValue(path), context.Arguments.GetRequiredValue(local),
                context.Arguments.GetValue(recursive), context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("path", result.Path);
                    json.WriteString("destination", result.Destination);
                    json.WriteNumber("files", result.Files);
                    json.WriteNumber("bytes", result.Bytes);
                    json.WriteNumber("seconds", Math.Round(result.Elapsed.TotalSeconds, 3));
                    json.WriteEndObject();
                });
            }

            return ExitCode.Ok;
        });
    }
}
