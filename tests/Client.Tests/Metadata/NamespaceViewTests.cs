using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache.Client.Tests.Metadata;

public sealed class NamespaceViewTests
{
    private readonly FakeGrains _grains = new();
    private readonly ManualTime _time = new();
    private readonly NamespaceView _view;

    public NamespaceViewTests()
    {
        _grains.Tree[_grains.SourceInfo.Root.Id] = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        _view = MakeView();
    }

    [Fact]
    public async Task Directories_above_a_source_are_made_from_the_table()
    {
        var root = await RootAsync();
        var a = (await _view.LookupAsync(root, "a", default)).Node!;
        Assert.Equal((FileKind.Directory, "/a", null), (a.Kind, a.Path, a.Source));
        var data = await SourceAsync();
        Assert.Equal(_grains.SourceInfo, data.Source);
        Assert.Equal(["data"], (await _view.ListAsync(a, null, default)).Nodes.Select(node => node.Entry.Name));
        Assert.Empty((await _view.ListAsync(a, "data", default)).Nodes);
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(root, "b", default)).Status);
        Assert.Equal(1, _grains.TableCalls);
    }

    [Fact]
    public async Task Names_that_cannot_be_are_not_found_without_a_call()
    {
        var data = await SourceAsync();
        foreach (var name in (string[])["", ".", "..", "x/y", "x\0", new string('n', 256)])
        {
            Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, name, default)).Status);
        }

        Assert.Equal(0, _grains.LookupCalls);
    }

    [Fact]
    public async Task A_lookup_is_answered_from_its_lease_synchronously_and_asked_again_after_it()
    {
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        Assert.Equal(5, (await _view.LookupAsync(data, "f", default)).Node!.LengthBytes);
        _grains.Add(null, File("f", 6, modified: 2));
        _time.Advance(TimeSpan.FromSeconds(9));
        var asking = _view.LookupAsync(data, "f", default).AsTask();
        Assert.True(asking.IsCompletedSuccessfully);
        var again = await asking;
        Assert.Equal(5, again.Node!.LengthBytes);
        Assert.Equal(TimeSpan.FromSeconds(1), again.ValidFor);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(6, (await _view.LookupAsync(data, "f", default)).Node!.LengthBytes);
        Assert.Equal(2, _grains.LookupCalls);
    }

    [Fact]
    public async Task The_time_a_question_takes_shortens_its_lease()
    {
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        _grains.OnCall = () =>
        {
            _time.Advance(TimeSpan.FromSeconds(4));
            return Task.CompletedTask;
        };
        Assert.Equal(TimeSpan.FromSeconds(6), (await _view.LookupAsync(data, "f", default)).ValidFor);
    }

    [Fact]
    public async Task A_missing_name_is_remembered_for_its_lease()
    {
        var data = await SourceAsync();
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, "f", default)).Status);
        _grains.Add(null, File("f", 5));
        var cached = await _view.LookupAsync(data, "f", default);
        Assert.Equal((ReadStatus.NotFound, TimeSpan.FromSeconds(10)), (cached.Status, cached.ValidFor));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ReadStatus.Ok, (await _view.LookupAsync(data, "f", default)).Status);
    }

    [Fact]
    public async Task Without_a_lease_every_question_is_asked()
    {
        _grains.Lease = TimeSpan.Zero;
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, (await _view.LookupAsync(data, "f", default)).ValidFor);
            Assert.Equal(ReadStatus.Ok, (await _view.ListAsync(data, null, default)).Status);
            Assert.Equal((i, i), (_grains.LookupCalls, _grains.ListCalls));
        }
    }

    [Theory]
    [InlineData(10, 1)]
    [InlineData(0, 8)]
    public async Task Questions_at_the_same_time_are_one_unless_the_answer_has_no_lease(int leaseSeconds, int calls)
    {
        _grains.Lease = TimeSpan.FromSeconds(leaseSeconds);
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        var hold = new TaskCompletionSource();
        _grains.OnCall = () => hold.Task;
        var asking = Enumerable.Range(0, 8).Select(_ => _view.LookupAsync(data, "f", default).AsTask()).ToArray();
        hold.SetResult();
        Assert.All(await Task.WhenAll(asking), outcome => Assert.Equal(ReadStatus.Ok, outcome.Status));
        Assert.Equal(calls, _grains.LookupCalls);
    }

    [Fact]
    public async Task Pages_are_cached_and_give_their_entries_to_lookups()
    {
        _grains.PageSize = 2;
        foreach (var name in (string[])["a", "b", "c"])
        {
            _grains.Add(null, File(name, 1));
        }

        var data = await SourceAsync();
        var first = await _view.ListAsync(data, null, default);
        Assert.False(first.IsLast);
        var second = await _view.ListAsync(data, "b", default);
        Assert.True(second.IsLast);
        Assert.Equal(["a", "b", "c"], first.Nodes.Concat(second.Nodes).Select(node => node.Entry.Name));
        await _view.ListAsync(data, null, default);
        Assert.Equal("/a/data/c", (await _view.LookupAsync(data, "c", default)).Node!.Path);
        Assert.Equal((2, 0), (_grains.ListCalls, _grains.LookupCalls));
    }

    [Fact]
    public async Task Pages_of_an_older_listing_are_not_used()
    {
        _grains.PageSize = 1;
        _grains.Add(null, File("a", 1));
        _grains.Add(null, File("b", 1));
        var data = await SourceAsync();
        await _view.ListAsync(data, null, default);
        _grains.ListingVersion = 2;
        await _view.ListAsync(data, "a", default);
        await _view.ListAsync(data, null, default);
        Assert.Equal(3, _grains.ListCalls);
    }

    [Fact]
    public async Task A_directory_that_was_replaced_does_not_inherit_names()
    {
        var old = _grains.Add(null, FakeGrains.Directory("d"));
        _grains.Add(old, File("f", 1));
        var data = await SourceAsync();
        var d = (await _view.LookupAsync(data, "d", default)).Node!;
        Assert.Equal(ReadStatus.Ok, (await _view.LookupAsync(d, "f", default)).Status);
        var replaced = d with { Entry = d.Entry with { Metadata = d.Entry.Metadata with { Id = new FileId(9, 9) } } };
        _grains.Tree[new FileId(9, 9)] = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(replaced, "f", default)).Status);
    }

    [Fact]
    public async Task Refresh_finds_a_file_again_after_its_directory_was_replaced()
    {
        var old = _grains.Add(null, FakeGrains.Directory("d"));
        _grains.Add(old, File("f", 1));
        var data = await SourceAsync();
        var d = (await _view.LookupAsync(data, "d", default)).Node!;
        var f = (await _view.LookupAsync(d, "f", default)).Node!;
        Assert.Same(f, (await _view.RefreshAsync(f, default)).Node);
        _grains.Tree.Remove(old.Metadata.Id);
        var fresh = FakeGrains.Directory("d") with { Metadata = old.Metadata with { Id = new FileId(9, 9) } };
        _grains.Add(null, fresh);
        _grains.Add(fresh, File("f", 2));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, (await _view.RefreshAsync(f, default)).Node!.LengthBytes);
        _grains.Tree[fresh.Metadata.Id].Clear();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ReadStatus.NotFound, (await _view.RefreshAsync(f, default)).Status);
    }

    [Fact]
    public async Task Renewing_asks_past_the_lease()
    {
        _grains.Add(null, File("f", 1));
        var f = (await _view.LookupAsync(await SourceAsync(), "f", default)).Node!;
        _grains.Add(null, File("f", 2, modified: 2));
        Assert.Equal(1, (await _view.RefreshAsync(f, default)).Node!.LengthBytes);
        Assert.Equal(2, (await _view.RenewAsync(f, default)).Node!.LengthBytes);
        Assert.Equal(2, (await _view.RefreshAsync(f, default)).Node!.LengthBytes);
    }

    [Fact]
    public async Task A_detached_source_is_gone_when_the_table_is_asked_again()
    {
        _grains.Add(null, File("f", 1));
        var data = await SourceAsync();
        var f = (await _view.LookupAsync(data, "f", default)).Node!;
        _grains.Table = new NamespaceTable(2, []);
        Assert.Equal(ReadStatus.Ok, (await _view.RefreshAsync(f, default)).Status);
        _view.InvalidateSources();
        Assert.Equal(ReadStatus.NotFound, (await _view.RefreshAsync(f, default)).Status);
        Assert.Equal(ReadStatus.StaleVersion, (await _view.LookupAsync(data, "f", default)).Status);
        Assert.Equal(ReadStatus.StaleVersion, (await _view.ListAsync(data, null, default)).Status);
    }

    [Fact]
    public async Task Links_are_read_and_followed_inside_the_namespace()
    {
        var d = _grains.Add(null, FakeGrains.Directory("d"));
        _grains.Add(d, File("f", 3));
        _grains.Add(null, FakeGrains.Entry("l", FileKind.Symlink, 1, 1));
        _grains.Add(null, FakeGrains.Entry("loop", FileKind.Symlink, 1, 1));
        _grains.Add(null, FakeGrains.Entry("out", FileKind.Symlink, 1, 1));
        _grains.Links["l"] = "../data/./d";
        _grains.Links["loop"] = "loop";
        _grains.Links["out"] = "/etc/passwd";
        var paths = new PathResolver(_view);
        Assert.Equal("/a/data/d/f", (await paths.ResolveAsync("/a/data/l/f", false, default)).Node!.Path);
        Assert.Equal(FileKind.Symlink, (await paths.ResolveAsync("/a/data/l", false, default)).Node!.Kind);
        Assert.Equal("/a/data/d", (await paths.ResolveAsync("/a/data/l", true, default)).Node!.Path);
        Assert.Equal(ReadStatus.InvalidRequest, (await paths.ResolveAsync("/a/data/loop", true, default)).Status);
        Assert.Equal(ReadStatus.NotFound, (await paths.ResolveAsync("/a/data/out", true, default)).Status);
    }

    [Fact]
    public async Task An_unreachable_cluster_is_waited_for_and_a_restart_is_a_pause()
    {
        _grains.Add(null, File("f", 1));
        var data = await SourceAsync();
        _grains.Failures.Enqueue(new Orleans.Runtime.SiloUnavailableException("gone"));
        _grains.Failures.Enqueue(new TimeoutException("slow"));
        Assert.Equal(ReadStatus.Ok, (await _view.LookupAsync(data, "f", default)).Status);
        Assert.Equal(3, _grains.LookupCalls);
    }

    [Fact]
    public async Task The_wait_ends_at_the_deadline_with_a_status()
    {
        var view = MakeView(deadline: TimeSpan.FromMilliseconds(120), time: TimeProvider.System);
        for (var i = 0; i < 1000; i++)
        {
            _grains.Failures.Enqueue(new Orleans.Runtime.SiloUnavailableException("gone"));
        }

        Assert.Equal(ReadStatus.Unavailable, (await view.GetRootAsync(default)).Status);
        _grains.Failures.Clear();
        _grains.OnCall = () => Task.Delay(Timeout.Infinite);
        view = MakeView(deadline: TimeSpan.FromMilliseconds(120), time: TimeProvider.System);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await view.GetRootAsync(default)).Status);
    }

    [Fact]
    public async Task A_cancelled_caller_leaves_and_the_question_serves_the_others()
    {
        _grains.Add(null, File("f", 1));
        var data = await SourceAsync();
        var hold = new TaskCompletionSource();
        _grains.OnCall = () => hold.Task;
        using var cancel = new CancellationTokenSource();
        var leaving = _view.LookupAsync(data, "f", cancel.Token).AsTask();
        var staying = _view.LookupAsync(data, "f", default).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        hold.SetResult();
        Assert.Equal(ReadStatus.Ok, (await staying).Status);
        Assert.Equal(1, _grains.LookupCalls);
    }

    [Fact]
    public async Task The_cache_stays_within_its_bounds()
    {
        _grains.PageSize = 500;
        for (var i = 0; i < 2000; i++)
        {
            _grains.Add(null, File($"file-{i:d5}", 1));
        }

        var view = MakeView(entries: 300, bytes: 400_000);
        var data = await SourceAsync(view);
        for (string? after = null; ;)
        {
            var page = await view.ListAsync(data, after, default);
            Assert.InRange(view.CachedNames, 0, 300);
            Assert.InRange(view.CachedBytes, 0, 400_000);
            if (page.IsLast)
            {
                break;
            }

            after = page.Nodes[^1].Entry.Name;
        }

        Assert.True(view.CachedNames > 100);
    }

    private static FileEntry File(string name, long length, long modified = 1) =>
        FakeGrains.Entry(name, FileKind.File, length, modified);

    private NamespaceView MakeView(
        TimeSpan? deadline = null, int entries = 10_000, long bytes = 10_000_000, TimeProvider? time = null) => new(
            _grains, new NamespaceViewOptions(entries, bytes, deadline ?? TimeSpan.FromSeconds(10)), time ?? _time,
            NullLogger<NamespaceView>.Instance);

    private async Task<NodeEntry> RootAsync(NamespaceView? view = null) => (await (view ?? _view).GetRootAsync(default)).Node!;

    private async Task<NodeEntry> SourceAsync(NamespaceView? view = null)
    {
        view ??= _view;
        var a = (await view.LookupAsync(await RootAsync(view), "a", default)).Node!;
        return (await view.LookupAsync(a, "data", default)).Node!;
    }
}
