using OrleansCache.Silos;

namespace OrleansCache.Grains.Silos;

/// <summary>Passes on what an administrator wants to the silo it runs on.</summary>
[GrainType("silo")]
internal sealed class SiloGrain(IDiskControl disks) : Grain, ISiloGrain
{
    public async ValueTask<string> SetDisk(string directory, bool inService, CancellationToken cancellationToken)
    {
        var name = this.GetPrimaryKeyString();
        if (name != disks.SiloName)
        {
            throw new CacheRequestException(
                RequestError.NotFound, $"there is no silo '{name}' here but '{disks.SiloName}'; `ocache disks` shows which there are");
        }

        await disks.SetAsync(directory, inService, cancellationToken);
        return directory;
    }
}
