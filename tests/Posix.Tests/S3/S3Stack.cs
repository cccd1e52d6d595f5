using System.Text.Json;
using OrleansCache.Fakes.S3;
using OrleansCache.LocalCluster;

namespace OrleansCache.Posix.Tests.S3;

/// <summary>A bucket of our own S3 server, a silo that knows its keys from the environment, and mounts of the bucket.</summary>
internal sealed class S3Stack : IAsyncDisposable
{
    internal const string Bucket = "training";
    internal const string SourcePath = "/s3";
    private readonly ScratchFolder _scratch;
    private readonly List<LocalMount> _mounts = [];

    private S3Stack(ScratchFolder scratch, FakeS3 store, LocalSilo silo)
    {
        _scratch = scratch;
        Store = store;
        Silo = silo;
    }

    /// <summary>The store.</summary>
    internal FakeS3 Store { get; }

    /// <summary>The silo.</summary>
    internal LocalSilo Silo { get; }

    /// <summary>The first mount's folder.</summary>
    internal string MountFolder => _mounts[0].Path;

    /// <summary>The mounts.</summary>
    internal IReadOnlyList<LocalMount> Mounts => _mounts;

    /// <summary>Fills a bucket, starts the silo, attaches and mounts once.</summary>
    internal static async Task<S3Stack> StartAsync(
        Action<FakeBucket> fill, string[]? attachOptions = null, string capacity = "6GiB", FakeS3Options? store = null,
        bool mount = true)
    {
        var scratch = new ScratchFolder();
        FakeS3? fake = null;
        LocalSilo? silo = null;
        try
        {
            fake = await FakeS3.StartAsync(store).ConfigureAwait(false);
            fill(fake.CreateBucket(Bucket));
            silo = await LocalSilo.StartAsync(scratch.Path, capacity, LocalSilo.S3Environment(fake.AccessKey, fake.SecretKey)).ConfigureAwait(false);
            var stack = new S3Stack(scratch, fake, silo);
            await silo.AttachAsync(
                $"s3://{Bucket}", SourcePath, [$"endpoint={fake.Endpoint.GetLeftPart(UriPartial.Authority)}", .. attachOptions ?? []])
                .ConfigureAwait(false);
            if (mount)
            {
                await stack.MountAsync("mount").ConfigureAwait(false);
            }

            return stack;
        }
        catch
        {
            await DisposeAllAsync([], silo, fake, scratch).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>One more mount.</summary>
    internal async Task<LocalMount> MountAsync(string name)
    {
        var mount = await LocalMount.StartAsync(Silo, _scratch.Folder(name), ["--path", SourcePath]).ConfigureAwait(false);
        _mounts.Add(mount);
        return mount;
    }

    /// <summary>A path through the first mount.</summary>
    internal string Mounted(string name) => Path.Combine(MountFolder, name);

    /// <summary>Runs <c>ocache</c>.</summary>
    internal Task<CommandResult> OcacheAsync(params string[] arguments) => Command.OcacheAsync(Silo, arguments);

    /// <summary>Standard output of an <c>ocache</c> command that must succeed, as JSON.</summary>
    internal async Task<JsonDocument> JsonAsync(params string[] arguments) =>
        JsonDocument.Parse((await OcacheAsync([.. arguments, "--json"]).ConfigureAwait(false)).Checked($"ocache {arguments[0]}").Output);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => DisposeAllAsync(_mounts, Silo, Store, _scratch);

    private static async ValueTask DisposeAllAsync(
        IReadOnlyList<LocalMount> mounts, LocalSilo? silo, FakeS3? store, ScratchFolder scratch)
    {
        store?.Behave();
        foreach (var mount in mounts)
        {
            await mount.DisposeAsync().ConfigureAwait(false);
        }

        if (silo is not null)
        {
            await silo.DisposeAsync().ConfigureAwait(false);
        }

        if (store is not null)
        {
            await store.DisposeAsync().ConfigureAwait(false);
        }

        scratch.Dispose();
    }
}
