using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansCache.Cli.Commands;
using OrleansCache.Cli.Transfer;
using OrleansCache.Linux;

namespace OrleansCache.Cli;

/// <summary>The command line: parsing, the one place where errors are printed, and exit codes.</summary>
internal static class OcacheProgram
{
    private static readonly JsonSerializerOptions ErrorJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs one command line.</summary>
    /// <returns>Exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, StopSignals signals)
    {
        var globals = new GlobalOptions(signals.Token);
        var root = Build(globals);
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            var command = parsed.CommandResult.Command;
            var help = command == root ? "ocache --help" : $"ocache {command.Name} --help";
            var message = command == root && parsed.UnmatchedTokens is [var unknown, ..]
                ? $"there is no command '{unknown}'"
                : parsed.Errors[0].Message;
            Print(
                new Failure(ExitCode.Usage, message, $"see `{help}`"),
                arguments.Contains("--json", StringComparer.Ordinal));
            return ExitCode.Usage;
        }

        // Signals and errors are ours: the library's handlers would print stack traces and end us half done.
        return await parsed.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
            signals.Token).ConfigureAwait(false);
    }

    /// <summary>Prints an error.</summary>
    public static void Print(Failure failure, bool isJson)
    {
        var text = isJson
            ? JsonSerializer.Serialize(
                new { error = new { code = failure.Code, kind = ExitCode.KindOf(failure.Code), message = failure.Text } },
                ErrorJson)
            : $"ocache: {failure.Text.ReplaceLineEndings(" ")}";
        Console.Error.WriteLine(text);
    }

    /// <summary>Gives a command its action: run, and turn what it throws into a sentence and a code.</summary>
    public static Command With(this Command command, GlobalOptions globals, Func<CommandContext, Task<int>> run)
    {
        command.SetAction(async (arguments, _) =>
        {
            var context = new CommandContext(
                arguments, globals.AccessFrom(arguments), arguments.GetValue(globals.Json), globals.Stop);
            try
            {
                return await run(context).ConfigureAwait(false);
            }
            catch (Exception error) when (error is BrokenPipeException or IOException { HResult: (int)Errno.BrokenPipe })
            {
                return ExitCode.Ok; // Whoever reads us has enough: `ocache ls -l / | head` is no failure.
            }
            catch (Exception error)
            {
                var failure = Failure.From(error, globals.Stop);
                Print(failure, context.IsJson);
                return failure.Code;
            }
        });
        return command;
    }

    private static RootCommand Build(GlobalOptions globals)
    {
        var root = new RootCommand("OrleansCache: reads slow storage through a cache on local disks.");
        root.Options.Add(globals.Cluster);
        root.Options.Add(globals.SecretFile);
        root.Options.Add(globals.TlsCa);
        root.Options.Add(globals.TlsServerName);
        root.Options.Add(globals.Json);
        foreach (var command in (Func<GlobalOptions, Command>[])
        [
            AttachCommand.Build, DetachCommand.Build, SourcesCommand.Build, SyncCommand.Build, MountCommand.Build,
            UnmountCommand.Build, LsCommand.Build, StatCommand.Build, CatCommand.Build, CpCommand.Build, LoadCommand.Build, StatusCommand.Build,
            DisksCommand.Build,
        ])
        {
            root.Subcommands.Add(command(globals));
        }

        return root;
    }
}
