using OrleansCache.Silos;

namespace OrleansCache;

/// <summary>The silos' disks.</summary>
public sealed partial class CacheClient
{
    /// <summary>Takes a disk of a silo out of service, or puts it in again. Doing it twice is no error.</summary>
    /// <param name="directory">The tier's directory, as <see cref="TierStatus.Path"/> has it.</param>
    /// <param name="inService">Whether it is to be used.</param>
    /// <param name="silo">The silo's name; null: the only one there is.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>The silo's name.</returns>
    /// <exception cref="CacheRequestException">There is no such silo or disk, or it cannot be opened.</exception>
    public async Task<string> SetDiskAsync(
        string directory, bool inService, string? silo = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var name = silo ?? await OnlySiloAsync(cancellationToken).ConfigureAwait(false);
        var what = $"{(inService ? "putting in" : "taking out")} disk {directory} of silo {name}";
        return await CallOnceAsync(
            what,
            "`ocache disks`",
            async token =>
            {
                await _core.Grains.GetGrain<ISiloGrain>(name).SetDisk(directory, inService, token).ConfigureAwait(false);
                return name;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> OnlySiloAsync(CancellationToken cancellationToken)
    {
        var view = await _core.Router.GetViewAsync(cancellationToken).ConfigureAwait(false)
            ?? throw new ClusterUnreachableException($"the silos of group {_options.Group} are not known: no answer", default, null);
        return view.Members is [var only]
            ? only.SiloName
            : throw new CacheRequestException(
                RequestError.InvalidArgument,
                $"say which silo: there are {string.Join(", ", view.Members.Select(member => member.SiloName))}");
    }
}
