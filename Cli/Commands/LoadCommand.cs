using System.CommandLine;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache load PATH [--wait]</c>.</summary>
internal static class LoadCommand
{
    // More names than these do not help; the count says the rest.
    private const int NamedFailures = 20;

    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "File or directory");
        var wait = new Option<bool>("--wait") { Description = "Wait for the end (always so in this version)" };
        var parallel = new Option<int>("--parallel")
        {
            Description = "Files at a time, 1 to 64",
            HelpName = "N",
            DefaultValueFactory = static _ => new LoadOptions().Parallelism,
        };
        var command = new Command("load", "Cache a file or a tree ahead of need") { path, wait, parallel };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var options = new LoadOptions { Parallelism = context.Arguments.GetValue(parallel) };
            var where = context.Arguments.GetRequiredValue(path);
            var result = context.IsJson || Console.IsErrorRedirected
                ? await client.LoadAsync(where, options, null, context.Stop).ConfigureAwait(false)
                : await LoadProgressBar.RunAsync(
                    progress => client.LoadAsync(where, options, progress, context.Stop), TimeProvider.System, context.Stop)
                    .ConfigureAwait(false);
            Report(context, result);
            return result.Progress.FilesFailed == 0 ? ExitCode.Ok : ExitCode.Failed;
        });
    }

    private static void Report(CommandContext context, LoadResult result)
    {
        var done = result.Progress;
        foreach (var failure in result.Failures.Take(NamedFailures))
        {
            Console.Error.WriteLine($"ocache: {failure.Message}");
        }

        if (context.IsJson)
        {
            context.Output.WriteJson(json =>
            {
                json.WriteStartObject();
                json.WriteString("path", result.Path);
                json.WriteNumber("files", done.FilesDone);
                json.WriteNumber("bytes", done.BytesDone);
                json.WriteNumber("fetched_bytes", done.BytesFetched);
                json.WriteNumber("failed_files", done.FilesFailed);
                json.WriteNumber("seconds", Math.Round(result.Elapsed.TotalSeconds, 3));
                json.WriteNumber("mib_s", Units.MibPerSecond(done.BytesDone, result.Elapsed));
                json.WriteEndObject();
            });
            return;
        }

        context.Output.WriteLine(
            $"{result.Path}: {EntryJson.Plain(done.FilesDone)} files, {Units.Bytes(done.BytesDone)} cached, "
            + $"{Units.Bytes(done.BytesFetched)} of it fetched now, in {result.Elapsed.TotalSeconds:0.0} s"
            + (done.FilesFailed == 0 ? string.Empty : $"; {EntryJson.Plain(done.FilesFailed)} failed"));
    }
}
