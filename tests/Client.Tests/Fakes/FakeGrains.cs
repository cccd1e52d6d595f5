using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Groups;
using OrleansCache.Namespaces;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>A cluster in memory: one source of directories and files, with counted calls and failures on demand.</summary>
internal sealed class FakeGrains : IGrainFactory
{
    public static readonly SourceId Source = SourceId.FromUri("file:///data");

    public FakeGrains()
    {
        SourceInfo = new SourceInfo
        {
            Id = Source,
            Path = "/a/data",
            Uri = "file:///data",
            Options = new SourceOptions(),
            Root = Directory("root").Metadata,
        };
        Table = new NamespaceTable(1, [SourceInfo]);
    }

    public SourceInfo SourceInfo { get; }

    public NamespaceTable Table { get; set; }

    /// <summary>Entries by directory id and name, in ordinal order.</summary>
    public Dictionary<FileId, SortedDictionary<string, FileEntry>> Tree { get; } = [];

    public Dictionary<string, string> Links { get; } = [];

    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    public int PageSize { get; set; } = 100;

    public long ListingVersion { get; set; } = 1;

    public int TableCalls { get; private set; }

    public int LookupCalls { get; private set; }

    public int ListCalls { get; private set; }

    public int ViewCalls { get; private set; }

    /// <summary>Thrown by the next calls, first in first out.</summary>
    public Queue<Exception> Failures { get; } = new();

    /// <summary>Runs inside each call, to hold it.</summary>
    public Func<Task> OnCall { get; set; } = static () => Task.CompletedTask;

    /// <summary>The feed of changes.</summary>
    public FakeFeed Feed { get; } = new();

    /// <summary>Whether the under storage answers nothing.</summary>
    public bool IsStoreDown { get; set; }

    /// <summary>Paths given to Sync.</summary>
    public List<string> Synced { get; } = [];

    /// <summary>What no path can name, on the last page of each listing.</summary>
    public ImmutableArray<string> Unreachable { get; set; } = [];

    public GroupView View { get; set; } = new("default", 1,
    [
        new GroupMember { SiloName = "one", Generation = 1, DataHost = "127.0.0.1", DataPort = 1, SocketPath = "/s", HostId = "h" },
    ]);

    public static FileEntry Directory(string name) => Entry(name, FileKind.Directory, 0, 1);

    public static FileEntry Entry(string name, FileKind kind, long length, long modified)
    {
        var id = new FileId(7, (ulong)name.GetHashCode(StringComparison.Ordinal) | 2);
        var version = new FileVersion(length, modified, modified, null);
        return new FileEntry
        {
            Name = name,
            Metadata = new FileMetadata { Id = id, Kind = kind, Version = version, Mode = 0x81A4, Links = 1 },
            Key = kind == FileKind.File ? FileKey.Derive(Source, id, version, BlockLayout.Default) : default,
            BlockSizeBytes = BlockLayout.DefaultBlockSizeBytes,
            Seal = kind == FileKind.File ? new CapabilitySeal(1000, 1, 1) : default,
        };
    }

    /// <summary>Puts an entry into a directory (null: the source's root).</summary>
    public FileEntry Add(FileEntry? directory, FileEntry entry)
    {
        var id = directory?.Metadata.Id ?? SourceInfo.Root.Id;
        if (!Tree.TryGetValue(id, out var entries))
        {
            Tree.Add(id, entries = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal));
        }

        entries[entry.Name] = entry;
        if (entry.Metadata.Kind == FileKind.Directory)
        {
            Tree.TryAdd(entry.Metadata.Id, new SortedDictionary<string, FileEntry>(StringComparer.Ordinal));
        }

        return entry;
    }

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey => (TGrainInterface)(object)new Grain(this, primaryKey);

    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
        where TGrainInterface : IAddressable => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();

    private async ValueTask EnterAsync()
    {
        await OnCall();
        if (Failures.TryDequeue(out var failure))
        {
            throw failure;
        }
    }

    private sealed class Grain(FakeGrains owner, string key) : INamespaceGrain, IDirectoryGrain, ICacheGroupGrain, IChangeFeedGrain
    {
        public async ValueTask<NamespaceTable> GetTable(CancellationToken cancellationToken)
        {
            owner.TableCalls++;
            await owner.EnterAsync();
            return owner.Table;
        }

        public async ValueTask<SourceInfo> Attach(AttachRequest request, CancellationToken cancellationToken)
        {
            await owner.EnterAsync();
            return owner.SourceInfo;
        }

        public async ValueTask<SourceInfo> Detach(string path, CancellationToken cancellationToken)
        {
            await owner.EnterAsync();
            return owner.SourceInfo;
        }

        public async ValueTask<LookupResult> Lookup(DirectoryRef self, string name, CancellationToken cancellationToken)
        {
            owner.LookupCalls++;
            await owner.EnterAsync();
            Assert.Equal(self.GrainKey, key);
            if (owner.IsStoreDown)
            {
                return new LookupResult(ReadStatus.Unavailable, null, TimeSpan.Zero);
            }

            if (!owner.Tree.TryGetValue(self.Id, out var entries))
            {
                return new LookupResult(ReadStatus.StaleVersion, null, TimeSpan.Zero);
            }

            return entries.TryGetValue(name, out var entry)
                ? new LookupResult(ReadStatus.Ok, entry, owner.Lease)
                : new LookupResult(ReadStatus.NotFound, null, owner.Lease);
        }

        public async ValueTask Sync(string path, CancellationToken cancellationToken)
        {
            await owner.EnterAsync();
            owner.Synced.Add(path);
        }

        public ValueTask<ChangeBatch> Next(long after, CancellationToken cancellationToken)
        {
            Assert.Equal(Source.ToString(), key);
            return owner.Feed.NextAsync(after, cancellationToken);
        }

        public ValueTask Publish(ImmutableArray<PathChange> changes, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public async ValueTask<DirectoryPage> List(DirectoryRef self, string? after, CancellationToken cancellationToken)
        {
            owner.ListCalls++;
            await owner.EnterAsync();
            if (!owner.Tree.TryGetValue(self.Id, out var entries))
            {
                return new DirectoryPage(ReadStatus.StaleVersion, [], null, 0, TimeSpan.Zero);
            }

            var rest = entries.Values.Where(entry => after is null || string.CompareOrdinal(entry.Name, after) > 0).ToArray();
            var isLast = rest.Length <= owner.PageSize;
            return new DirectoryPage(
                ReadStatus.Ok, rest.Take(owner.PageSize).ToImmutableArray(),
                isLast ? null : rest[owner.PageSize - 1].Name, owner.ListingVersion, owner.Lease)
            {
                Unreachable = isLast ? owner.Unreachable : [],
            };
        }

        public async ValueTask<LinkResult> ReadLink(DirectoryRef self, string name, CancellationToken cancellationToken)
        {
            await owner.EnterAsync();
            return owner.Links.TryGetValue(name, out var target)
                ? new LinkResult(ReadStatus.Ok, target)
                : new LinkResult(ReadStatus.NotFound, string.Empty);
        }

        public ValueTask<GroupView> Join(GroupMember member, CancellationToken cancellationToken) => throw new NotSupportedException();

        public async ValueTask<GroupView> GetView(CancellationToken cancellationToken)
        {
            owner.ViewCalls++;
            await owner.EnterAsync();
            return owner.View;
        }
    }
}
