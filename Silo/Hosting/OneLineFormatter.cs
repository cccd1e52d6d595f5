using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// One line for one event, for people and for grep: time, level, category, message, and of an exception its type and message.
/// Whole exceptions only when debugging was asked for.
/// </summary>
internal sealed class OneLineFormatter(bool wholeExceptions, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    /// <summary>Name it is chosen by.</summary>
    public const string FormatterName = "one-line";

    /// <inheritdoc/>
    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        textWriter.Write(' ');
        textWriter.Write(logEntry.LogLevel.ToString().ToLowerInvariant());
        textWriter.Write(' ');
        textWriter.Write(logEntry.Category.AsSpan(logEntry.Category.LastIndexOf('.') + 1));
        textWriter.Write(": ");
        textWriter.Write(OneLine(logEntry.Formatter(logEntry.State, logEntry.Exception)));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(wholeExceptions
                ? $"{Environment.NewLine}{exception}"
                : $" ({exception.GetType().Name}: {OneLine(exception.Message)})");
        }

        textWriter.WriteLine();
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
