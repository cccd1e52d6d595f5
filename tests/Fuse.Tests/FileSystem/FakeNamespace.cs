using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>
/// A namespace in memory that keeps the promises of <see cref="INamespaceView"/>: what it said of a name stays so
/// until the lease it gave is over, whatever happens to the tree meanwhile.
/// </summary>
internal sealed class FakeNamespace : INamespaceView
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, (NodeOutcome Outcome, long Expiry)> _leases = new();
    private ulong _lastId = 100;
    private ulong _lastSeed = 1;
    private readonly ConcurrentDictionary<string, int> _looks = new();
    private int _calls;
    private int _waiting;

    public FakeNamespace() => Root = NewFile(FileKind.Directory, 0x41ED);

    public event Action<ImmutableArray<NamespaceChange>>? Changed;

    public FakeFile Root { get; }

    /// <summary>What it promises; zero is <c>sync=always</c>.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    public int PageEntries { get; set; } = 1000;

    /// <summary>Answers later, from the pool, as a view does that has to ask a grain.</summary>
    public bool AnswersLater { get; set; }

    /// <summary>When set, every answer waits for it.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>What waits for the gate has its answer already: it is of before whatever happens meanwhile.</summary>
    public bool AnswersBeforeGate { get; set; }

    /// <summary>When set, every answer is this one.</summary>
    public ReadStatus? Failure { get; set; }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Questions for one place, by LOOKUP or by refresh.</summary>
    public int CallsFor(string path) => _looks.GetValueOrDefault(path);

    /// <summary>Calls that wait for the gate now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public int Listings { get; private set; }

    public FakeFile AddDirectory(string path) => Add(path, NewFile(FileKind.Directory, 0x41ED));

    public FakeFile AddFile(string path, long lengthBytes)
    {
        var file = NewFile(FileKind.File, 0x81A4);
        file.Content = new FakeContent(NextSeed(), lengthBytes);
        return Add(path, file);
    }

    public FakeFile AddLink(string path, string target)
    {
        var link = NewFile(FileKind.Symlink, 0xA1FF);
        link.Target = target;
        link.Content = new FakeContent(1, EntryName.ToBytes(target).Length);
        return Add(path, link);
    }

    public FakeFile Add(string path, FakeFile file)
    {
        lock (_lock)
        {
            var (parent, name) = Split(path);
            parent.Children[name] = file;
            return file;
        }
    }

    public FakeFile NewFile(FileKind kind, uint mode) => new(new FileId(7, Interlocked.Increment(ref _lastId)), kind) { Mode = mode };

    public void Remove(string path)
    {
        lock (_lock)
        {
            var (parent, name) = Split(path);
            Assert.True(parent.Children.Remove(name), $"{path} is not there");
        }
    }

    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            var file = Find(from) ?? throw new InvalidOperationException($"{from} is not there");
            Remove(from);
            Add(to, file);
        }
    }

    /// <summary>
    /// A new content under the same identity, or, as rename(2) does it, another file under the same name.
    /// </summary>
    public FakeContent Replace(string path, long lengthBytes, bool byRename)
    {
        lock (_lock)
        {
            var (parent, name) = Split(path);
            var content = new FakeContent(NextSeed(), lengthBytes);
            var file = byRename ? NewFile(FileKind.File, 0x81A4) : parent.Children[name];
            file.Content = content;
            file.ModifiedNs += 1_000_000_007;
            parent.Children[name] = file;
            return content;
        }
    }

    /// <summary>
    /// The lease is over: what was said before need not hold any more. (The kernel's own copy runs on.)
    /// </summary>
    public void EndLeases() => _leases.Clear();

    /// <summary>The silo says that something changed: forgotten, then told.</summary>
    public void Tell(string directory, bool isSubtree, params string[] names)
    {
        var prefix = directory == "/" ? "/" : directory + "/";
        foreach (var path in _leases.Keys)
        {
            var isIn = path.StartsWith(prefix, StringComparison.Ordinal)
                && (isSubtree || names.Length == 0 || names.Contains(path[prefix.Length..]));
            if (isIn || (isSubtree && path == directory))
            {
                _leases.TryRemove(path, out _);
            }
        }

        Changed?.Invoke([new NamespaceChange(directory, [.. names], isSubtree)]);
    }

    public ValueTask<NodeOutcome> GetRootAsync(CancellationToken cancellationToken) =>
        AnswerAsync(() => new NodeOutcome(ReadStatus.Ok, new NodeEntry("/", null, "", Root.EntryNamed("")), Lease), cancellationToken);

    public ValueTask<NodeOutcome> LookupAsync(NodeEntry directory, string name, CancellationToken cancellationToken) =>
        AnswerAsync(() => Look(directory.Path == "/" ? "/" + name : $"{directory.Path}/{name}"), cancellationToken);

    public ValueTask<NodeOutcome> RefreshAsync(NodeEntry node, CancellationToken cancellationToken) =>
        AnswerAsync(
            () => node.Path == "/" ? new NodeOutcome(ReadStatus.Ok, node with { Entry = Root.EntryNamed("") }, Lease) : Look(node.Path),
            cancellationToken);

    public ValueTask<ListOutcome> ListAsync(NodeEntry directory, string? after, CancellationToken cancellationToken) =>
        AnswerAsync(() => List(directory.Path, after), cancellationToken);

    public ValueTask<LinkTargetOutcome> ReadLinkAsync(NodeEntry link, CancellationToken cancellationToken) => AnswerAsync(
        () => Find(link.Path) is { } file
            ? new LinkTargetOutcome(ReadStatus.Ok, file.Target)
            : new LinkTargetOutcome(ReadStatus.NotFound, ""),
        cancellationToken);

    private ValueTask<T> AnswerAsync<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return Gate is null && !AnswersLater ? new(answer()) : LaterAsync(answer, cancellationToken);
    }

    private async ValueTask<T> LaterAsync<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var isEarly = AnswersBeforeGate;
        var early = isEarly ? answer() : default;
        if (Gate is { } gate)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await gate.Task.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        return isEarly ? early! : answer();
    }

    private NodeOutcome Look(string path)
    {
        _looks.AddOrUpdate(path, 1, static (_, count) => count + 1);
        if (Failure is { } failure)
        {
            return new NodeOutcome(failure, null, TimeSpan.Zero);
        }

        var now = Environment.TickCount64;
        if (_leases.TryGetValue(path, out var lease) && lease.Expiry > now)
        {
            return lease.Outcome with { ValidFor = TimeSpan.FromMilliseconds(lease.Expiry - now) };
        }

        var name = path[(path.LastIndexOf('/') + 1)..];
        NodeOutcome outcome;
        lock (_lock)
        {
            outcome = Find(path) is { } file
                ? new NodeOutcome(ReadStatus.Ok, new NodeEntry(path, null, "", file.EntryNamed(name)), Lease)
                : new NodeOutcome(ReadStatus.NotFound, null, Lease);
        }

        if (Lease > TimeSpan.Zero)
        {
            _leases[path] = (outcome, now + (long)Lease.TotalMilliseconds);
        }

        return outcome;
    }

    private ListOutcome List(string path, string? after)
    {
        lock (_lock)
        {
            Listings++;
            if (Find(path) is not { } directory)
            {
                return new ListOutcome(ReadStatus.NotFound, [], null, Lease);
            }

            var prefix = path == "/" ? "/" : path + "/";
            var rest = directory.Children
                .Where(child => after is null || string.CompareOrdinal(child.Key, after) > 0)
                .Take(PageEntries + 1)
                .Select(child => new NodeEntry(prefix + child.Key, null, "", child.Value.EntryNamed(child.Key)))
                .ToList();
            return rest.Count <= PageEntries
                ? new ListOutcome(ReadStatus.Ok, rest, null, Lease)
                : new ListOutcome(ReadStatus.Ok, rest[..PageEntries], rest[PageEntries - 1].Entry.Name, Lease);
        }
    }

    private FakeFile? Find(string path)
    {
        lock (_lock)
        {
            var at = Root;
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!at.Children.TryGetValue(name, out at!))
                {
                    return null;
                }
            }

            return at;
        }
    }

    private (FakeFile Parent, string Name) Split(string path)
    {
        var slash = path.LastIndexOf('/');
        return (Find(path[..slash]) ?? throw new InvalidOperationException($"{path} has no parent"), path[(slash + 1)..]);
    }

    private ulong NextSeed() => Interlocked.Increment(ref _lastSeed) << 32;
}
