namespace OrleansCache.Reading.Batches;

/// <summary>What the caller enumerates: each time it does, the files are read anew.</summary>
internal sealed class BatchSequence(
    BatchServices services, ReadManyOptions options, IEnumerable<string> paths, CancellationToken cancellationToken)
    : IAsyncEnumerable<ReadManyResult>
{
    /// <inheritdoc/>
    public IAsyncEnumerator<ReadManyResult> GetAsyncEnumerator(CancellationToken enumeratorToken = default) =>
        ReadAsync().GetAsyncEnumerator(enumeratorToken);

    private IAsyncEnumerable<ReadManyResult> ReadAsync() => new BatchRun(services, options).ReadAsync(paths, cancellationToken);
}
