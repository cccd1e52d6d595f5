using System.CommandLine;
using OrleansCache.Bench;
using OrleansCache.Bench.Data;
using OrleansCache.Bench.Engine;
using OrleansCache.Bench.Fuse;
using OrleansCache.Bench.Policies;
using OrleansCache.Bench.S3;
using OrleansCache.Bench.Store;

string[] all = ["engine", "store", "io", "fuse", "s3", "names", "data", "readmany"];
if (args is ["engine-silo", var gatewayPort, var echoPort])
{
    return await EngineSilo.RunAsync(int.Parse(gatewayPort), int.Parse(echoPort)).ConfigureAwait(false);
}

if (args is ["sdk-get", var endpoint, var bucket, var warmUpKey, var key])
{
    return await SdkReader.RunAsync(new Uri(endpoint), bucket, warmUpKey, key).ConfigureAwait(false);
}

if (args is ["read-file", var path])
{
    return await S3Bench.ReadFileAsync(path).ConfigureAwait(false);
}

if (args is ["policies", .. var policyArguments])
{
    var with = new Option<bool>("--store") { Description = "Runs the traces through a real store, too." };
    var save = new Option<string?>("--save") { Description = "Writes the traces used into this folder." };
    var traces = new Argument<string[]>("TRACE") { Description = "Recorded traces instead of synthetic ones.", Arity = ArgumentArity.ZeroOrMore };
    var policies = new RootCommand("Hit ratios of the eviction policies.") { with, save, traces };
    policies.SetAction((arguments, cancellationToken) => PoliciesBench.RunAsync(
        arguments.GetValue(with), arguments.GetValue(save), arguments.GetValue(traces) ?? [], cancellationToken));
    return await policies.Parse(policyArguments).InvokeAsync().ConfigureAwait(false);
}

if (args is ["smallentries", .. var entryArguments])
{
    var entries = new Option<int>("--entries") { Description = "How many.", DefaultValueFactory = _ => 10_000_000 };
    var quickly = new Option<bool>("--quick") { Description = "100,000: shows that it works, not how fast." };
    var small = new RootCommand("Many small files in one block store.") { entries, quickly };
    small.SetAction(async (arguments, cancellationToken) =>
    {
        var count = arguments.GetValue(quickly) ? 100_000 : Math.Clamp(arguments.GetValue(entries), 1000, 100_000_000);
        Report.Write("smallentries", 1, await SmallEntriesBench.RunAsync(count, cancellationToken).ConfigureAwait(false), TimeProvider.System);
        return 0;
    });
    return await small.Parse(entryArguments).InvokeAsync().ConfigureAwait(false);
}

var names = new Argument<string[]>("NAME")
{
    Description = "engine, store, io, fuse, s3, names, data, readmany; default: all.",
    Arity = ArgumentArity.ZeroOrMore,
};
var rounds = new Option<int>("--rounds") { Description = "Interleaved rounds.", DefaultValueFactory = _ => 5 };
var quick = new Option<bool>("--quick") { Description = "Small data, one round: shows that it works, not how fast." };
var command = new RootCommand("Benchmarks: medians of interleaved rounds, ratios, JSON below bench/history.") { names, rounds, quick };
command.SetAction(async (arguments, cancellationToken) =>
{
    var chosen = arguments.GetValue(names) is { Length: > 0 } given ? given : all;
    if (chosen.FirstOrDefault(name => !all.Contains(name)) is { } unknown)
    {
        Console.Error.WriteLine($"bench: there is no benchmark {unknown}. There are: {string.Join(", ", all)}.");
        return 2;
    }

    var small = arguments.GetValue(quick);
    var count = small ? 1 : Math.Clamp(arguments.GetValue(rounds), 1, 100);
    foreach (var name in chosen)
    {
        var results = name switch
        {
            "engine" => await EngineBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "store" => await StoreBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "io" => await IoBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "s3" => await S3Bench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "data" => await DataBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "readmany" => await ReadManyBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            "names" => await NamesBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
            _ => await FuseBench.RunAsync(count, small, cancellationToken).ConfigureAwait(false),
        };
        Report.Write(name, count, results, TimeProvider.System);
    }

    return 0;
});
return await command.Parse(args).InvokeAsync().ConfigureAwait(false);
