using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests;

/// <summary>Many files, many handles, many readers, within the memory budget.</summary>
public sealed class ScaleTests
{
    private const long BudgetBytes = 512L << 20;

    [Fact]
    public async Task A_directory_of_100000_files_2000_open_handles_and_16_readers_stay_within_the_memory_budget()
    {
        const int Count = 100_000;
        await using var stack = await Stack.StartAsync(root =>
        {
            var folder = Directory.CreateDirectory(Path.Combine(root, "many")).FullName;
            for (var index = 0; index < Count; index++)
            {
                using var file = File.OpenHandle(Path.Combine(folder, $"f{index:D6}"), FileMode.CreateNew, FileAccess.Write);
                RandomAccess.Write(file, BitConverter.GetBytes(index), 0);
            }

            Content.WriteRandom(Path.Combine(root, "big"), 256L << 20, 7);
        });

        var names = Directory.EnumerateFiles(stack.Mounted("many")).Select(path => Path.GetFileName(path)!).ToHashSet();
        Assert.Equal(Count, names.Count);
        var listed = (await Command.RunAsync("ls", ["-l", stack.Mounted("many")])).Checked("ls -l").Output;
        Assert.Equal(Count + 1, listed.Count(character => character == '\n'));

        var handles = new List<Microsoft.Win32.SafeHandles.SafeFileHandle>();
        for (var index = 0; index < 2_000; index++)
        {
            handles.Add(File.OpenHandle(stack.Mounted($"many/f{index * 50:D6}")));
        }

        var bytes = new byte[8];
        for (var index = 0; index < handles.Count; index++)
        {
            Assert.Equal(4, RandomAccess.Read(handles[index], bytes, 0));
            Assert.Equal(index * 50, BitConverter.ToInt32(bytes));
        }

        var expected = Content.Hash(Path.Combine(stack.Source, "big"));
        var readers = Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(
            () => Content.Hash(stack.Mounted("big")), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        Assert.All(await Task.WhenAll(readers), hash => Assert.Equal(expected, hash));
        handles.ForEach(handle => handle.Dispose());

        AssertWithinBudget("silo", stack.Silo.ProcessId);
        AssertWithinBudget("mount", stack.Mount.ProcessId);
    }

    [Fact]
    public async Task A_warm_pass_makes_no_grain_call_and_no_under_storage_read()
    {
        await using var stack = await Stack.StartAsync(
            root => Content.WriteRandom(Path.Combine(root, "file"), 64L << 20, 3), ["sync=never"]);
        var expected = Content.Hash(Path.Combine(stack.Source, "file"));
        using var handle = File.OpenHandle(stack.Mounted("file"));
        Assert.Equal(expected, Content.Hash(stack.Mounted("file")));

        var fetched = await stack.MetricAsync("ocache_source_under_storage_reads_total");
        var calls = await GrainCallsOfReadersAsync(stack);
        var buffer = new byte[1 << 20];
        for (var pass = 0; pass < 3; pass++)
        {
            PageCache.TryDrop();
            for (long offset = 0; offset < 64L << 20; offset += buffer.Length)
            {
                Assert.Equal(buffer.Length, RandomAccess.Read(handle, buffer, offset));
            }
        }

        Assert.Equal(calls, await GrainCallsOfReadersAsync(stack));
        Assert.Equal(fetched, await stack.MetricAsync("ocache_source_under_storage_reads_total"));
    }

    /// <summary>
    /// Calls a reader may cause: not the mount's wait for changes, which comes every eight seconds whatever is read, and not the silo's
    /// look at its own table of sources, which comes when the metrics are looked at.
    /// </summary>
    private static Task<double> GrainCallsOfReadersAsync(Stack stack) =>
        stack.MetricAsync("ocache_grain_calls_total", "IChangeFeedGrain", "INamespaceGrain");

    private static void AssertWithinBudget(string name, int processId)
    {
        var peak = ProcessMemory.PeakResidentBytes(processId);
        Assert.True(peak <= BudgetBytes, $"{name} had {peak >> 20} MiB resident, its budget is {BudgetBytes >> 20} MiB");
    }
}
