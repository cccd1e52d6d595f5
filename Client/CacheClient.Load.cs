using OrleansCache.Loading;
using OrleansCache.Telemetry;

namespace OrleansCache;

/// <summary>Loading.</summary>
public sealed partial class CacheClient
{
    /// <summary>Has the silos cache a file or a tree. The bytes do not pass through this process.</summary>
    /// <param name="path">What to load.</param>
    /// <param name="progress">Told often, from several threads.</param>
    /// <param name="cancellationToken">Ends it; what is cached stays cached.</param>
    /// <returns>How it ended; files that failed do not stop the others.</returns>
    public Task<LoadResult> LoadAsync(
        string path, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        LoadAsync(path, new LoadOptions(), progress, cancellationToken);

    /// <summary>Has the silos cache a file or a tree, with options.</summary>
    /// <param name="path">What to load.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told often, from several threads.</param>
    /// <param name="cancellationToken">Ends it; what is cached stays cached.</param>
    /// <returns>How it ended; files that failed do not stop the others.</returns>
    /// <exception cref="PathNotFoundException">Nothing is there.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public async Task<LoadResult> LoadAsync(
        string path, LoadOptions options, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionChecks.Validate(options);
        using var activity = ClientActivities.Start(ClientActivities.Load, path);
        try
        {
            var root = await FindAsync(path, followLast: true, "loading", cancellationToken).ConfigureAwait(false);
            var loader = new Loader(_core.Names, _core.Files, options, _options.TimeProvider, progress);
            var result = await loader.RunAsync(root, cancellationToken).ConfigureAwait(false);
            activity?.SetTag(ClientActivities.BytesTag, result.Progress.BytesDone)
                .SetTag(ClientActivities.FilesTag, result.Progress.FilesDone)
                .SetTag(ClientActivities.FailedFilesTag, result.Progress.FilesFailed);
            return result;
        }
        catch (Exception error) when (activity.Failed(error))
        {
            throw;
        }
    }
}
