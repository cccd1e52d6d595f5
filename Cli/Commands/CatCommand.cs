using System.CommandLine;
using OrleansCache.Cli.Transfer;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache cat PATH</c>.</summary>
internal static class CatCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "File");
        var command = new Command("cat", "Write a file to standard output") { path };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var file = await client.OpenReadAsync(context.Arguments.GetRequiredValue(path), context.Stop).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                try
                {
                    await FileCopy.WriteAsync(file, context.Output.Stream, context.Stop).ConfigureAwait(false);
                }
                catch (BrokenPipeException)
                {
                    // Whoever reads us has enough: `ocache cat FILE | head` is no failure.
                }
            }

            return ExitCode.Ok;
        });
    }
}
