using OrleansCache.Metadata;
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
        using var timeout = new CancellationTokenSource(_options.ChangeTimeout, _options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _core.Grains.GetGrain<ISiloGrain>(name).SetDisk(directory, inService, both.Token)
                .AsTask().WaitAsync(both.Token).ConfigureAwait(false);
            return name;
        }
        catch (Exception error) when (error is TimeoutException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new CacheTimeoutException(
                $"{what}: no answer within {_options.ChangeTimeout.TotalSeconds:0.#} s; `ocache disks` shows whether it was done");
        }
        catch (Exception error) when (GrainCaller.IsTransient(error))
        {
            throw new ClusterUnreachableException($"{what}: {error.Message.TrimEnd('.')}", error);
        }
    }

    private async Task<string> OnlySiloAsync(CancellationToken cancellationToken)
    {
        var view = await _core.Router.GetViewAsync(cancellationToken).ConfigureAwait(false)
            ?? throw new ClusterUnreachableException($"the silos of group {_options.Group} are not known: no answer", null);
        return view.Members is [var only]
            ? only.SiloName
            : throw new CacheRequestException(
                RequestError.InvalidArgument,
                $"say which silo: there are {string.Join(", ", view.Members.Select(member => member.SiloName))}");
    }
}
