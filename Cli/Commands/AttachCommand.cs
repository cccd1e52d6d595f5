using System.CommandLine;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli.Commands;

/// <summary><c>ocache attach URI PATH --option k=v</c>.</summary>
internal static class AttachCommand
{
    /// <summary>The command.</summary>
    public static Command Build(GlobalOptions globals)
    {
        var uri = new Argument<string>("URI") { Description = "Under storage, such as file:///data/imagenet or s3://bucket/prefix" };
        var path = NamespaceArgument.Make("PATH", "Where in the namespace, such as /imagenet");
        var options = new Option<string[]>("--option", "-o")
        {
            Description = "block-size=4MiB, sync=always|never|interval(10s), immutable=GLOB, eviction=s3fifo|lru|epoch, "
                + "quota=SIZE, ...; may be repeated",
            HelpName = "NAME=VALUE",
            DefaultValueFactory = static _ => [],
        };
        var command = new Command("attach", "Attach an under storage to the namespace") { uri, path, options };
        return command.With(globals, async context =>
        {
            await using var client = await context.ConnectAsync().ConfigureAwait(false);
            var source = await client.AttachAsync(
                context.Arguments.GetRequiredValue(uri), context.Arguments.GetRequiredValue(path),
                context.Arguments.GetRequiredValue(options), context.Stop).ConfigureAwait(false);
            if (context.IsJson)
            {
                context.Output.WriteJson(json => EntryJson.WriteSource(json, source));
            }
            else
            {
                context.Output.WriteLine($"attached {source.Uri} at {source.Path}");
            }

            return ExitCode.Ok;
        });
    }
}
