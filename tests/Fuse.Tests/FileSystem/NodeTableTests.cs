using OrleansCache.Fuse.FileSystem;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.Tests.FileSystem;

public sealed class NodeTableTests
{
    private readonly FakeNamespace _view = new();

    /// <summary>docs/SEMANTICS.md 1.2.</summary>
    [Fact]
    public void Two_versions_of_a_file_never_share_a_node_but_share_the_inode_number()
    {
        var nodes = NewTable();
        var file = _view.AddFile("/a", 8);
        var first = Intern(nodes, nodes.Root, "/a", file);
        _view.Replace("/a", 16, byRename: false);
        var second = Intern(nodes, nodes.Root, "/a", file);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(8u, nodes.AttributesOf(first).Attributes.SizeBytes);
        Assert.Equal(16u, nodes.AttributesOf(second).Attributes.SizeBytes);
        Assert.Equal(nodes.AttributesOf(first).Attributes.Inode, nodes.AttributesOf(second).Attributes.Inode);
    }

    /// <summary>docs/SEMANTICS.md 1.5.</summary>
    [Fact]
    public void Hard_links_are_one_node_at_the_place_last_seen()
    {
        var nodes = NewTable();
        var file = _view.AddFile("/a", 8);
        var first = Intern(nodes, nodes.Root, "/a", file);
        var second = Intern(nodes, nodes.Root, "/b", file);
        Assert.Same(first, second);
        Assert.Equal("/b", nodes.EntryOf(first)!.Path);
        nodes.Forget(first.Id, 1);
        Assert.Same(first, nodes.Find(first.Id));
        nodes.Forget(first.Id, 1);
        Assert.Null(nodes.Find(first.Id));
    }

    [Fact]
    public void A_node_id_is_never_used_twice()
    {
        var nodes = NewTable();
        var file = _view.AddFile("/a", 8);
        var seen = new HashSet<ulong>();
        for (var round = 0; round < 1000; round++)
        {
            var node = Intern(nodes, nodes.Root, "/a", file);
            Assert.True(seen.Add(node.Id));
            nodes.Forget(node.Id, 1);
            Assert.Null(nodes.Find(node.Id));
        }

        Assert.Equal(1, nodes.Count);
        Assert.Equal(3, nodes.SlotsUsed);
    }

    [Fact]
    public void The_root_is_node_1_and_never_forgotten()
    {
        var nodes = NewTable();
        nodes.Forget(NodeTable.RootId, 100);
        Assert.Same(nodes.Root, nodes.Find(1));
        Assert.Equal(1u, nodes.AttributesOf(nodes.Root).Attributes.Inode);
        Assert.Null(nodes.Find(0));
        Assert.Null(nodes.Find(ulong.MaxValue));
        Assert.Null(nodes.Find(1UL << 32 | 1));
    }

    [Fact]
    public void A_renamed_directory_takes_its_children_along()
    {
        var nodes = NewTable();
        var directory = _view.AddDirectory("/d");
        var file = _view.AddFile("/d/f", 8);
        var parent = Intern(nodes, nodes.Root, "/d", directory);
        var child = Intern(nodes, parent, "/d/f", file);
        Assert.Equal("/d/f", nodes.EntryOf(child)!.Path);
        Intern(nodes, nodes.Root, "/e", directory);
        Assert.Equal("/e/f", nodes.EntryOf(child)!.Path);
        Assert.Equal(file.EntryNamed("f"), nodes.EntryOf(child)!.Entry);
    }

    [Fact]
    public void Renames_that_crossed_do_not_make_an_endless_path()
    {
        var nodes = NewTable();
        var a = Intern(nodes, nodes.Root, "/a", _view.AddDirectory("/a"));
        var b = Intern(nodes, a, "/a/b", _view.AddDirectory("/a/b"));
        Intern(nodes, b, "/a/b/a", _view.Root.Children["a"]);
        Assert.Null(nodes.EntryOf(a));
    }

    [Fact]
    public async Task Many_threads_may_look_up_and_forget_the_same_files()
    {
        var nodes = NewTable();
        var files = Enumerable.Range(0, 50).Select(index => (Path: $"/f{index}", File: _view.AddFile($"/f{index}", index))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => TestMount.OnThreadAsync(() =>
        {
            var random = new Random(worker);
            for (var step = 0; step < 20_000; step++)
            {
                var (path, file) = files[random.Next(files.Length)];
                var node = Intern(nodes, nodes.Root, path, file);
                Assert.Same(node, nodes.Find(node.Id));
                Assert.Equal(file.Content.LengthBytes, nodes.EntryOf(node)!.LengthBytes);
                nodes.Forget(node.Id, 1);
            }

            return 0;
        })));
        Assert.Equal(1, nodes.Count);
    }

    private NodeTable NewTable() => new(
        new NodeEntry("/", null, "", _view.Root.EntryNamed("")), TimeSpan.FromSeconds(1), new LeaseClock(TimeProvider.System), 1 << 20);

    private static FileNode Intern(NodeTable nodes, FileNode parent, string path, FakeFile file) => nodes.Intern(
        parent,
        nodes.EntryOf(parent)!,
        new NodeEntry(path, null, "", file.EntryNamed(path[(path.LastIndexOf('/') + 1)..])),
        0)!;
}
