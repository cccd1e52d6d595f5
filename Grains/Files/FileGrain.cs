using OrleansCache.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Files;

/// <summary>One file. Holds nothing yet: it asks the under storage and seals the answer.</summary>
[GrainType("file"), CollectionAgeLimit(Minutes = 1)]
internal sealed class FileGrain(
    IUnderStorageCatalog underStorages, IAttachedSources sources, ICapabilitySealer sealer, TimeProvider time)
    : Grain, IFileGrain
{
    public async ValueTask<FileStatus> Revalidate(SourceId source, string path, CancellationToken cancellationToken)
    {
        var info = await sources.FindAsync(source, cancellationToken);
        var storage = await underStorages.TryFindAsync(source, cancellationToken);
        if (info is null || storage.Storage is null)
        {
            return new FileStatus(info is null ? ReadStatus.NotFound : storage.Status, null);
        }

        var outcome = await storage.Storage.StatAsync(path, cancellationToken);
        if (outcome.Status != ReadStatus.Ok)
        {
            return new FileStatus(outcome.Status, null);
        }

        if ($"{source}/{outcome.Metadata.Id}" != this.GetPrimaryKeyString())
        {
            return new FileStatus(ReadStatus.StaleVersion, null);
        }

        var name = path[(path.LastIndexOf('/') + 1)..];
        return new FileStatus(
            ReadStatus.Ok, EntrySealing.Seal(sealer, info, path, name, outcome.Metadata, time.GetUtcNow()));
    }
}
