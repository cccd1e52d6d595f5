using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache.Client.Tests.Metadata;

/// <summary>What a source tells of its changes is seen before leases end, and never undone by an older answer.</summary>
public sealed class ChangeTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly FakeGrains _grains = new() { Lease = TimeSpan.FromHours(1) };
    private readonly ManualTime _time = new();
    private readonly NamespaceView _view;
    private int _told;

    public ChangeTests()
    {
        _grains.Tree[_grains.SourceInfo.Root.Id] = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        _grains.Table = _grains.Table with { Sources = [_grains.SourceInfo] };
        _view = new NamespaceView(
            _grains, new NamespaceViewOptions(10_000, 10_000_000, TimeSpan.FromSeconds(10)), _time, NullLogger<NamespaceView>.Instance);
        _view.Changed += changes => Interlocked.Add(ref _told, changes.Length);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _view.DisposeAsync();

    [Fact]
    public async Task A_change_of_a_name_is_seen_long_before_its_lease_ends_and_others_stay()
    {
        _grains.Add(null, File("f", 5));
        _grains.Add(null, File("g", 5));
        var data = await SourceAsync();
        await LengthAsync(data, "f");
        await LengthAsync(data, "g");
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, "new", default)).Status);
        _grains.Add(null, File("f", 6, modified: 2));
        _grains.Add(null, File("new", 7));
        await ChangeAsync("", "f", "new");
        Assert.Equal(6, await LengthAsync(data, "f"));
        Assert.Equal(7, await LengthAsync(data, "new"));
        var calls = _grains.LookupCalls;
        Assert.Equal(5, await LengthAsync(data, "g"));
        Assert.Equal(calls, _grains.LookupCalls);
    }

    [Fact]
    public async Task A_change_of_any_name_drops_a_directorys_names_and_pages_but_nothing_below()
    {
        var d = _grains.Add(null, FakeGrains.Directory("d"));
        _grains.Add(d, File("f", 1));
        _grains.Add(null, File("g", 1));
        var data = await SourceAsync();
        var directory = (await _view.LookupAsync(data, "d", default)).Node!;
        await LengthAsync(directory, "f");
        await _view.ListAsync(data, null, default);
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, "none", default)).Status);
        await ChangeAsync("");
        var (lookups, lists) = (_grains.LookupCalls, _grains.ListCalls);
        await LengthAsync(directory, "f");
        Assert.Equal(lookups, _grains.LookupCalls);
        await LengthAsync(data, "g");
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, "none", default)).Status);
        await _view.ListAsync(data, null, default);
        Assert.Equal((lookups + 2, lists + 1), (_grains.LookupCalls, _grains.ListCalls));
    }

    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    public async Task A_change_of_a_subtree_reaches_all_depths_and_a_gap_the_whole_source(bool isGap, int asked)
    {
        var top = _grains.Add(null, FakeGrains.Directory("top"));
        var deep = _grains.Add(top, FakeGrains.Directory("deep"));
        _grains.Add(deep, File("f", 1));
        _grains.Add(null, File("topmost", 1));
        var data = await SourceAsync();
        async Task WalkAsync()
        {
            var one = (await _view.LookupAsync(data, "top", default)).Node!;
            var two = (await _view.LookupAsync(one, "deep", default)).Node!;
            Assert.Equal(1, await LengthAsync(two, "f"));
            Assert.Equal(1, await LengthAsync(data, "topmost"));
        }

        await WalkAsync();
        _grains.Feed.LosesNext = isGap;
        await ChangeAsync(new PathChange("top", [], true));
        var calls = _grains.LookupCalls;
        await WalkAsync();
        Assert.Equal(calls + asked, _grains.LookupCalls);
        await WalkAsync();
        Assert.Equal(calls + asked, _grains.LookupCalls);
    }

    [Theory]
    [InlineData("f")]
    [InlineData(null)]
    public async Task An_answer_asked_for_before_a_change_is_used_once_and_not_remembered(string? name)
    {
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        await LengthAsync(data, "f");
        await ChangeAsync("", "f");
        var hold = new TaskCompletionSource();
        _grains.OnCall = () => hold.Task;
        var asking = _view.LookupAsync(data, "f", default).AsTask();
        var listing = _view.ListAsync(data, null, default).AsTask();
        await ChangeAsync("", name is null ? [] : [name]);
        hold.SetResult();
        Assert.Equal(TimeSpan.Zero, (await asking).ValidFor);
        Assert.Equal(TimeSpan.Zero, (await listing).ValidFor);
        _grains.Add(null, File("f", 6, modified: 2));
        Assert.Equal(6, await LengthAsync(data, "f"));
        Assert.Equal(6, (await _view.ListAsync(data, null, default)).Nodes.Single().LengthBytes);
    }

    [Fact]
    public async Task Who_asks_after_a_change_never_shares_the_answer_of_before()
    {
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        await LengthAsync(data, "f");
        await ChangeAsync("", "f");
        var hold = new TaskCompletionSource();
        _grains.OnCall = () => hold.Task;
        var before = _view.LookupAsync(data, "f", default).AsTask();
        await ChangeAsync("", "f");
        var after = _view.LookupAsync(data, "f", default).AsTask();
        Assert.Equal(2, _grains.LookupCalls);
        _grains.OnCall = static () => Task.CompletedTask;
        hold.SetResult();
        Assert.Equal(ReadStatus.Ok, (await before).Status);
        Assert.Equal(ReadStatus.Ok, (await after).Status);
        Assert.Equal(3, _grains.LookupCalls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_asks_after_a_change_never_shares_an_answer_that_is_about_to_land(bool isListing)
    {
        _grains.Add(null, File("f", 5));
        var data = await SourceAsync();
        var hold = new TaskCompletionSource();
        _grains.OnCall = () => hold.Task;
        var asking = AskAsync();
        var names = _view.CachedNames;
        var after = new TaskCompletionSource<Task<long>>();
        _time.OnLook = () =>
        {
            if (_view.CachedNames > names)
            {
                // The answer is remembered, and who waits for it has not been told.
                _time.OnLook = null;
                _grains.Add(null, File("f", 6, modified: 2));
                _view.Forget("/a/data/f");
                _view.Forget("/a/data");
                after.SetResult(AskAsync());
            }
        };
        hold.SetResult();
        Assert.Equal(5, await asking);
        Assert.Equal(6, await await after.Task.WaitAsync(Bound));

        async Task<long> AskAsync() => isListing
            ? (await _view.ListAsync(data, null, default)).Nodes.Single().LengthBytes
            : await LengthAsync(data, "f");
    }

    [Fact]
    public async Task More_changed_directories_than_are_kept_forget_everything_rather_than_a_change()
    {
        var directories = new List<(NodeEntry Node, FileEntry Entry)>();
        var data = await SourceAsync();
        for (var i = 0; i < 5; i++)
        {
            var entry = _grains.Add(null, FakeGrains.Directory($"d{i}"));
            _grains.Add(entry, File("f", 1));
            var node = (await _view.LookupAsync(data, $"d{i}", default)).Node!;
            await LengthAsync(node, "f");
            directories.Add((node, entry));
        }

        for (var i = 0; i < 5000; i++)
        {
            _view.Forget($"/a/data/d{i % 4}/none{i}");
        }

        foreach (var (node, entry) in directories)
        {
            _grains.Add(entry, File("f", 2, modified: 2));
            Assert.Equal(2, await LengthAsync(node, "f"));
        }
    }

    [Fact]
    public async Task A_name_that_is_in_no_page_is_missing_without_a_question()
    {
        _grains.PageSize = 2;
        foreach (var name in (string[])["a", "b", "c", "d", "e"])
        {
            _grains.Add(null, File(name, 1));
        }

        var data = await SourceAsync();
        await _view.ListAsync(data, null, default);
        await _view.ListAsync(data, "b", default);
        await _view.LookupAsync(data, "x1", default);
        Assert.Equal(1, _grains.LookupCalls); // The last page is not known yet.
        _time.Advance(TimeSpan.FromMinutes(1));
        await _view.ListAsync(data, "d", default);
        var missing = await _view.LookupAsync(data, "x2", default);
        Assert.Equal((ReadStatus.NotFound, TimeSpan.FromMinutes(59)), (missing.Status, missing.ValidFor));
        Assert.Equal(ReadStatus.Ok, (await _view.LookupAsync(data, "e", default)).Status);
        Assert.Equal(1, _grains.LookupCalls);
        _grains.Add(null, File("x2", 1));
        await ChangeAsync("", "x2");
        Assert.Equal(ReadStatus.Ok, (await _view.LookupAsync(data, "x2", default)).Status);
        Assert.Equal(ReadStatus.NotFound, (await _view.LookupAsync(data, "x3", default)).Status);
        Assert.Equal(3, _grains.LookupCalls);
    }

    [Fact]
    public async Task A_listing_says_nothing_about_absence_when_its_lease_is_over_or_its_pages_are_of_two_listings()
    {
        _grains.PageSize = 1;
        _grains.Add(null, File("a", 1));
        _grains.Add(null, File("b", 1));
        var data = await SourceAsync();
        await _view.ListAsync(data, null, default);
        _grains.ListingVersion = 2;
        await _view.ListAsync(data, "a", default);
        await _view.LookupAsync(data, "x", default);
        Assert.Equal(1, _grains.LookupCalls);
        await _view.ListAsync(data, null, default);
        await _view.ListAsync(data, "a", default);
        _time.Advance(TimeSpan.FromHours(1));
        await _view.LookupAsync(data, "y", default);
        Assert.Equal(2, _grains.LookupCalls);
    }

    [Fact]
    public async Task Only_a_source_whose_answers_are_leased_is_listened_to()
    {
        var info = _grains.SourceInfo with { Options = new SourceOptions { Sync = SyncRule.Always } };
        _grains.Table = new NamespaceTable(2, [info]);
        _grains.Lease = TimeSpan.Zero;
        _grains.Add(null, File("f", 1));
        var data = await SourceAsync();
        await LengthAsync(data, "f");
        Assert.Equal(0, _view.Feeds);
        _grains.Lease = TimeSpan.FromSeconds(1); // An immutable file of that source, for one.
        await LengthAsync(data, "f");
        Assert.Equal(1, _view.Feeds);
    }

    [Fact]
    public async Task Sync_forgets_what_this_client_knew()
    {
        var d = _grains.Add(null, FakeGrains.Directory("d"));
        _grains.Add(d, File("f", 1));
        var data = await SourceAsync();
        var directory = (await _view.LookupAsync(data, "d", default)).Node!;
        await LengthAsync(directory, "f");
        _grains.Add(d, File("f", 2, modified: 2));
        _view.Forget("/a/data/d/f");
        Assert.Equal(2, await LengthAsync(directory, "f"));
        _grains.Add(d, File("f", 3, modified: 3));
        _view.Forget("/");
        Assert.Equal(3, await LengthAsync(directory, "f"));
    }

    [Fact]
    public async Task Keys_that_no_path_can_name_are_said_with_the_last_page()
    {
        _grains.PageSize = 1;
        _grains.Unreachable = ["x//y"];
        _grains.Add(null, File("a", 1));
        _grains.Add(null, File("b", 1));
        var data = await SourceAsync();
        for (var round = 0; round < 2; round++)
        {
            Assert.Empty((await _view.ListAsync(data, null, default)).Unreachable);
            Assert.Equal(["x//y"], (await _view.ListAsync(data, "a", default)).Unreachable);
        }

        Assert.Equal(2, _grains.ListCalls);
    }

    private static FileEntry File(string name, long length, long modified = 1) =>
        FakeGrains.Entry(name, FileKind.File, length, modified);

    private async Task<long> LengthAsync(NodeEntry directory, string name) =>
        (await _view.LookupAsync(directory, name, default)).Node!.LengthBytes;

    private Task ChangeAsync(string directory, params string[] names) => ChangeAsync(new PathChange(directory, [.. names], false));

    // Said while the client listens, and over when it has heard.
    private async Task ChangeAsync(PathChange change)
    {
        await Eventually.TrueAsync(() => _grains.Feed.Waiting == 1, Bound);
        var before = Volatile.Read(ref _told);
        _grains.Feed.Say(change);
        await Eventually.TrueAsync(() => Volatile.Read(ref _told) > before, Bound);
    }

    private async Task<NodeEntry> SourceAsync()
    {
        var root = (await _view.GetRootAsync(default)).Node!;
        var a = (await _view.LookupAsync(root, "a", default)).Node!;
        return (await _view.LookupAsync(a, "data", default)).Node!;
    }
}
