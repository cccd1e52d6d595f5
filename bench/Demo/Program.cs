using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansCache.Demo;
using Spectre.Console;

var folder = new Argument<string?>("DIR") { Description = "The data; default: the .NET SDK folder.", Arity = ArgumentArity.ZeroOrOne };
var json = new Option<bool>("--json") { Description = "The last line is one JSON object." };
var readers = new Option<int>("--readers") { Description = "Reading threads.", DefaultValueFactory = _ => 4 };
var s3 = new Option<bool>("--s3") { Description = "Copies the data into a real Ceph gateway first and reads them from there." };
var stay = new Option<bool>("--stay") { Description = "Keep silo and mount until Ctrl-C." };
var command = new RootCommand("Reads a dataset twice through OrleansCache and compares it with the source.")
{
    folder, json, readers, s3, stay,
};
command.SetAction(async (arguments, cancellationToken) =>
{
    // SIGTERM and SIGINT both end in the same clean-up: everything is held by `await using`.
    using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    try
    {
        var root = Path.GetFullPath(arguments.GetValue(folder) ?? Dataset.DefaultRoot);
        if (!Directory.Exists(root))
        {
            Console.Error.WriteLine($"demo: {root} is not a directory. Give the folder of your data.");
            return 2;
        }

        var dataset = Dataset.Scan(root);
        Console.Error.WriteLine($"{root}: {dataset.Files.Count} files, {dataset.Bytes >> 20} MiB");
        var progress = new StandardErrorProgress();
        Func<CancellationToken, Task<DemoSource>> open = arguments.GetValue(s3)
            ? async cancellation => await CephSource.StartAsync(dataset, progress, cancellation).ConfigureAwait(false)
            : _ => Task.FromResult<DemoSource>(new FolderSource(dataset));
        var demo = new Demonstration(dataset, open, Math.Clamp(arguments.GetValue(readers), 1, 256), progress);
        if (arguments.GetValue(stay))
        {
            await demo.StayAsync(stop.Token).ConfigureAwait(false);
            return 0;
        }

        var result = await demo.RunAsync(stop.Token).ConfigureAwait(false);
        Show(result, arguments.GetValue(json));
        return result.IsGood ? 0 : 1;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        Console.Error.WriteLine("demo: interrupted; everything it started is ended");
        return 130;
    }
    catch (Exception failure) when (failure is InvalidOperationException or TimeoutException or IOException)
    {
        Console.Error.WriteLine($"demo: {failure.Message}");
        return 1;
    }

    void OnSignal(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
});
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }).ConfigureAwait(false);

static void Show(DemoResult result, bool asJson)
{
    if (asJson)
    {
        Console.WriteLine(JsonSerializer.Serialize(result));
        return;
    }

    var state = result.CachesDropped ? "B: kernel caches dropped" : "K: kernel caches kept (no root)";
    var table = new Table().AddColumns("what", "figure");
    table.AddRow("files", Text(result.Files));
    table.AddRow("bytes", Text(result.Bytes));
    table.AddRow("native, MiB/s", Text(result.NativeMiBPerSecond));
    table.AddRow("cold through the mount (C), MiB/s", Text(result.ColdMiBPerSecond));
    table.AddRow($"warm through the mount ({state}), MiB/s", Text(result.WarmMiBPerSecond));
    table.AddRow("warm hit ratio", Text(result.WarmHitRatio));
    table.AddRow("under-storage reads in the warm pass", Text(result.WarmUnderStorageReads));
    AddStoreRows(table, result);
    table.AddRow("mismatches", Text(result.Mismatches));
    AnsiConsole.Write(table);
}

static void AddStoreRows(Table table, DemoResult result)
{
    if (result is not { ColdStoreRequests: { } cold, WarmStoreRequests: { } warm })
    {
        return;
    }

    table.AddRow("requests of the cold pass, by the store's log", Text(cold));
    table.AddRow("of them GET, HEAD, list", $"{result.ColdStoreReads}, {result.ColdStoreHeads}, {result.ColdStoreLists}");
    table.AddRow("bytes the GETs got", Text(result.ColdStoreBytes ?? 0));
    table.AddRow("requests of the warm pass, by the store's log", Text(warm));
}

static string Text<T>(T value)
    where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
