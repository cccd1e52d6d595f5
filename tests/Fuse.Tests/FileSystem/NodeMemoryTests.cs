using OrleansCache.Files;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Metadata;
using Xunit.Abstractions;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>Alone, for it looks at the memory of the whole process.</summary>
[Collection(Mounting.MountCollection.Name)]
public sealed class NodeMemoryTests(ITestOutputHelper output)
{
    /// <summary>docs/SEMANTICS.md 5.3: a node's memory; the figure is in the output.</summary>
    [Fact]
    public void A_node_costs_less_than_400_bytes()
    {
        const int Count = 200_000;
        var view = new FakeNamespace();
        var nodes = new NodeTable(
            new NodeEntry("/", null, "", view.Root.EntryNamed("")), TimeSpan.FromSeconds(1), new LeaseClock(TimeProvider.System), 1 << 20);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var index = 0; index < Count; index++)
        {
            var file = view.NewFile(FileKind.File, 0x81A4);
            file.Content = new FakeContent((ulong)index + 1, 1);
            Assert.NotNull(nodes.Intern(
                nodes.Root, nodes.EntryOf(nodes.Root)!, new NodeEntry("/x", null, "", file.EntryNamed($"sample-{index:d8}.jpg")), 0));
        }

        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Count;
        output.WriteLine($"{each:f0} bytes per node, its name of 19 letters included");
        Assert.Equal(Count + 1, nodes.Count);
        Assert.InRange(each, 1, 400);
        GC.KeepAlive(nodes);
    }
}
