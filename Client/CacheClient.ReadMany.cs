using OrleansCache.Reading.Batches;

namespace OrleansCache;

/// <summary>Reading many files.</summary>
public sealed partial class CacheClient
{
    /// <summary>Reads many files, in the order asked: the way to read many small ones.</summary>
    /// <param name="paths">Absolute paths; links are followed. Enumerated ahead of the results, on another thread.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A result for each path. One that fails is one result with an error; the others come all the same.</returns>
    public IAsyncEnumerable<ReadManyResult> ReadManyAsync(
        IEnumerable<string> paths, CancellationToken cancellationToken = default) =>
        ReadManyAsync(paths, new ReadManyOptions(), cancellationToken);

    /// <summary>Reads many files, in the order asked: the way to read many small ones, with options.</summary>
    /// <param name="paths">Absolute paths; links are followed. Enumerated ahead of the results, on another thread.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>
    /// A result for each path, to be disposed by the caller. One that fails is one result with an error; the others come all the same.
    /// Files are read ahead as far as <see cref="CacheClientOptions.ReadManyBudgetBytes"/> allows; whoever stops early frees them.
    /// </returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public IAsyncEnumerable<ReadManyResult> ReadManyAsync(
        IEnumerable<string> paths, ReadManyOptions options, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentNullException.ThrowIfNull(options);
        OptionChecks.Validate(options);
        return new BatchSequence(
            new BatchServices(
                (path, token) => FindAsync(path, followLast: true, "reading", token),
                _core.Router, _core.Files, _core.Names, _core.ReadMany, _core.Deadlines, _options.ReadTimeout),
            options, paths, cancellationToken);
    }
}
