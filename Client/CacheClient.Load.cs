using System.ComponentModel.DataAnnotations;
using OrleansCache.Loading;

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
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public async Task<LoadResult> LoadAsync(
        string path, LoadOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var mistakes = new List<ValidationResult>();
        if (!Validator.TryValidateObject(options, new ValidationContext(options), mistakes, validateAllProperties: true))
        {
            throw new ArgumentException(string.Join("; ", mistakes.Select(mistake => mistake.ErrorMessage)), nameof(options));
        }

        var root = await FindAsync(path, followLast: true, "loading", cancellationToken).ConfigureAwait(false);
        var loader = new Loader(_core.Names, _core.Files, options, _options.TimeProvider, progress);
        return await loader.RunAsync(root, cancellationToken).ConfigureAwait(false);
    }
}
