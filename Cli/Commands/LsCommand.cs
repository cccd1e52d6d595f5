using System.CommandLine;
using System.Globalization;
using System.Text;
using OrleansCache.Cli.Output;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Cli.Commands;

/// <summary>
/// <c>ocache ls [PATH] [-l]</c>. Entries are printed as their pages come, in the order of their places; what no path can name is
/// said at the end.
/// </summary>
internal static class LsCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var path = NamespaceArgument.Make("PATH", "Directory or file");
        path.DefaultValueFactory = static _ => "/";
        var isLong = new Option<bool>("--long", "-l") { Description = "Mode, owner, size and time, too" };
        var command = new Command("ls", "List a directory") { path, isLong };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var where = context.Arguments.GetRequiredValue(path);
            var entry = await client.StatAsync(where, context.Stop).ConfigureAwait(false);
            var unreachable = new List<string>();
            var entries = entry.Kind is FileKind.Directory or FileKind.Symlink
                ? client.ListAsync(where, unreachable.Add, context.Stop)
                : One(entry);
            if (context.IsJson)
            {
                await WriteJsonAsync(context, entry.Path, entries, unreachable).ConfigureAwait(false);
            }
            else
            {
                await WriteTextAsync(context, entries, context.Arguments.GetValue(isLong)).ConfigureAwait(false);
                if (unreachable.Count > 0)
                {
                    await Console.Error.WriteLineAsync(DescribeUnreachable(entry.Path, unreachable)).ConfigureAwait(false);
                }
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>The line on stderr about keys that no path can name.</summary>
    internal static string DescribeUnreachable(string path, IReadOnlyCollection<string> keys)
    {
        var shown = keys.Select(static key => $"'{new string([.. key.Select(one => char.IsControl(one) ? '?' : one)])}'");
        return $"ocache: the under storage has keys in {path} that no path can name: {string.Join(", ", shown)}"
            + (keys.Count < DirectoryPage.MaxUnreachable ? "." : " and perhaps more.");
    }

    private static async IAsyncEnumerable<CacheEntry> One(CacheEntry entry)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield return entry;
    }

    private static async Task WriteJsonAsync(
        CommandContext context, string path, IAsyncEnumerable<CacheEntry> entries, List<string> unreachable)
    {
        // An error in the middle leaves an unfinished document and an exit code that says so.
        var json = context.Output.OpenJson();
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WriteString("path", path);
            json.WriteStartArray("entries");
            await foreach (var entry in entries.ConfigureAwait(false))
            {
                EntryJson.WriteEntry(json, entry);
                if (json.BytesPending > 32 * 1024)
                {
                    await json.FlushAsync(context.Stop).ConfigureAwait(false);
                }
            }

            json.WriteEndArray();
            json.WriteStartArray("unreachable");
            unreachable.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
            await json.FlushAsync(context.Stop).ConfigureAwait(false);
        }

        context.Output.EndLine();
    }

    private static async Task WriteTextAsync(CommandContext context, IAsyncEnumerable<CacheEntry> entries, bool isLong)
    {
        var buffered = new BufferedStream(context.Output.Stream, 64 * 1024);
        await foreach (var entry in entries.ConfigureAwait(false))
        {
            if (isLong)
            {
                buffered.Write(Encoding.UTF8.GetBytes(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{EntryJson.Permissions(entry)} {entry.Uid,5} {entry.Gid,5} {entry.LengthBytes,14} {Units.Time(entry.ModifiedNs)} ")));
            }

            buffered.Write(StandardOutput.NameBytes(entry.Name));
            buffered.WriteByte((byte)'\n');
        }

        await buffered.FlushAsync(context.Stop).ConfigureAwait(false);
    }
}
