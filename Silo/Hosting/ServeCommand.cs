using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>The command line: <c>silo serve</c> with one flag a setting.</summary>
internal static class ServeCommand
{
    /// <summary>Runs the program.</summary>
    /// <returns>Its exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var parsed = Build(output, error).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            var hint = arguments.Contains("serve") ? "silo serve --help" : "silo --help";
            await error.WriteLineAsync($"silo: {parsed.Errors[0].Message.TrimEnd('.')}; see '{hint}'");
            return SiloStartException.BadUsage;
        }

        // Signals belong to the host: it stops in order and within its own deadline.
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = output,
            Error = error,
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        });
    }

    private static RootCommand Build(TextWriter output, TextWriter error)
    {
        var serve = new Command(
            "serve",
            "Hosts the grains and serves cached blocks from this machine's disks until SIGTERM or Ctrl-C. "
            + "Every flag is also an environment variable OCACHE_NAME (--data-dir: OCACHE_DATA_DIR).");
        var options = Setting.All.ToDictionary(setting => setting, setting =>
        {
            Option option = setting.IsList ? new Option<string[]>(setting.Flag) : new Option<string>(setting.Flag);
            option.HelpName = setting.ValueName;
            option.Description = setting.Default.Length > 0
                ? $"{setting.Description} Default: {setting.Default}."
                : setting.Description;
            serve.Add(option);
            return option;
        });
        serve.SetAction((parsed, _) => ServeAsync(setting => TextOf(parsed.GetResult(options[setting])), output, error));
        return new RootCommand("A silo of OrleansCache: caches blocks of slow storage on this machine's disks.") { serve };
    }

    private static string? TextOf(OptionResult? given) =>
        given is null or { Implicit: true } ? null : string.Join(Setting.ListSeparator, given.Tokens.Select(token => token.Value));

    private static async Task<int> ServeAsync(Func<Setting, string?> flag, TextWriter output, TextWriter error)
    {
        try
        {
            var settings = SiloSettings.From(SettingValues.Collect(flag, Environment.GetEnvironmentVariable));
            await SiloProcess.RunAsync(settings, output);
            return 0;
        }
        catch (SiloStartException exception)
        {
            await error.WriteLineAsync($"silo: {exception.Message}");
            return exception.ExitCode;
        }
    }
}
