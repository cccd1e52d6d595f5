using Microsoft.Extensions.Logging;
using OrleansCache.Files;
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
        LogDetached(source.Uri, source.Path, _table.Epoch);
        return source;
    }

    public ValueTask Sync(string path, CancellationToken cancellationToken) =>
        throw new CacheRequestException(RequestError.InvalidArgument, "sync is not built yet");

    public ValueTask<NamespaceTable> GetTable(CancellationToken cancellationToken) => new(_table);

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

    [LoggerMessage(Level = LogLevel.Information, Message = "Detached {Uri} from {Path}; namespace epoch {Epoch}")]
    private partial void LogDetached(string uri, string path, long epoch);
}
