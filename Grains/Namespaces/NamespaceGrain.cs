using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// The table of sources. What may stand in it: <see cref="AttachRules"/>. A change counts when it is stored; until then readers
/// of the table (which interleave) see the old one.
/// </summary>
[GrainType("namespace")]
internal sealed partial class NamespaceGrain(
    [PersistentState("table")] IPersistentState<NamespaceState> state,
    IUnderStorageCatalog underStorages,
    IListingStore listings,
    SyncFloors floors,
    IChangePublisher changes,
    TimeProvider time,
    ILogger<NamespaceGrain> logger) : Grain, INamespaceGrain
{
    private NamespaceTable _table = new(0, []);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _table = state.State.ToTable();
        return Task.CompletedTask;
    }

    public async ValueTask<SourceInfo> Attach(AttachRequest request, CancellationToken cancellationToken)
    {
        var path = NamespacePath.Normalize(request.Path);
        var options = SourceOptionParser.Parse(
            request.Options.IsDefault ? [] : request.Options, underStorages.DefaultSyncOf(request.Uri));
        var identity = underStorages.Identify(request.Uri, options);
        var uri = identity.Uri;
        AttachRules.Check(state.State.Sources, path, identity);

        // Who had not heard of a detach may have opened it again, with the options of then.
        await underStorages.CloseAsync(identity.Id);
        var storage = await underStorages.OpenAsync(uri, options, cancellationToken);
        var attached = false;
        try
        {
            var root = await storage.StatAsync("", cancellationToken);
            if (root.Status != ReadStatus.Ok)
            {
                throw new CacheRequestException(
                    RequestError.Unavailable, $"{uri} could be opened but its root not be read ({root.Status}). Try again, or check the server.");
            }

            var facts = await storage.ProbeAsync(cancellationToken);
            var source = StoredSource.From(path, identity, options, facts, root.Metadata);
            await StoreAsync(state.State.With(source));
            attached = true;
            LogAttached(uri, path, _table.Epoch);
            return source.ToInfo();
        }
        finally
        {
            if (!attached)
            {
                await underStorages.CloseAsync(storage.Source);
            }
        }
    }

    public async ValueTask<SourceInfo> Detach(string path, CancellationToken cancellationToken)
    {
        var source = AttachRules.Find(state.State.Sources, NamespacePath.Normalize(path)).ToInfo();
        await StoreAsync(state.State.Without(state.State.Sources.First(one => one.Path == source.Path)));
        await underStorages.CloseAsync(source.Id);
        await ForgetAsync(source, "", () => listings.DropAsync(source.Id, cancellationToken));
        LogDetached(source.Uri, source.Path, _table.Epoch);
        return source;
    }

    public async ValueTask Sync(string path, CancellationToken cancellationToken)
    {
        var normal = NamespacePath.Normalize(path);
        var concerned = _table.Sources.Where(source => NamespacePath.Overlap(source.Path, normal)).ToList();
        if (concerned.Count == 0)
        {
            throw new CacheRequestException(
                RequestError.NotFound, $"'{normal}' is in no source. Give the path of a source (ocache sources lists them) or one below it.");
        }

        foreach (var source in concerned)
        {
            // Above or at the source it is all of it.
            var inside = normal.Length <= source.Path.Length ? "" : normal[source.Path.Length..].TrimStart('/');
            await ForgetAsync(source, inside, () => listings.RaiseFloorAsync(source.Id, inside, time.GetUtcNow(), cancellationToken));
            await changes.PublishNowAsync(source.Id, ChangesOf(inside));
            LogSynced(source.Uri, inside);
        }
    }

    public ValueTask<NamespaceTable> GetTable(CancellationToken cancellationToken) => new(_table);

    // A directory there counts with all below, and so does the name itself in the directory above.
    private static ImmutableArray<PathChange> ChangesOf(string inside)
    {
        var below = new PathChange(inside, [], IsSubtree: true);
        return inside.Length == 0
            ? [below]
            : [new PathChange(PathInSource.ParentOf(inside), [inside[(inside.LastIndexOf('/') + 1)..]], IsSubtree: false), below];
    }

    /// <summary>Tells the listing store. It is a cache: when it fails, this silo does not use what it kept all the same.</summary>
    private async Task ForgetAsync(SourceInfo source, string inside, Func<ValueTask> forget)
    {
        var isStored = false;
        try
        {
            await forget();
            isStored = true;
        }
        catch (ListingStoreException failure)
        {
            LogStillKept(source.Uri, failure.Message);
        }
        finally
        {
            floors.Raise(source.Id, inside, isStored);
        }
    }

    private async Task StoreAsync(NamespaceState next)
    {
        var before = state.State;
        state.State = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            state.State = before; // not stored, so it did not happen
            throw;
        }

        _table = next.ToTable();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Attached {Uri} at {Path}; namespace epoch {Epoch}")]
    private partial void LogAttached(string uri, string path, long epoch);

    [LoggerMessage(Level = LogLevel.Information, Message = "Synced {Uri} at '{Path}' and below: nothing known before counts")]
    private partial void LogSynced(string uri, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old listings of {Uri} could not be marked as outdated; after a restart of this "
        + "silo they may be used for as long as the sync rule allows: {Reason}")]
    private partial void LogStillKept(string uri, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Detached {Uri} from {Path}; namespace epoch {Epoch}")]
    private partial void LogDetached(string uri, string path, long epoch);
}
