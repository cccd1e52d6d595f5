using System.Diagnostics;
using System.Runtime.CompilerServices;
using OrleansCache.Telemetry;

namespace OrleansCache.Reading.Batches;

/// <summary>What the caller enumerates: each time it does, the files are read anew, as one activity.</summary>
internal sealed class BatchSequence(
    BatchServices services, ReadManyOptions options, IEnumerable<string> paths, CancellationToken cancellationToken)
    : IAsyncEnumerable<ReadManyResult>
{
    /// <inheritdoc/>
    public IAsyncEnumerator<ReadManyResult> GetAsyncEnumerator(CancellationToken enumeratorToken = default) =>
        ReadAsync(enumeratorToken).GetAsyncEnumerator(CancellationToken.None);

    private async IAsyncEnumerable<ReadManyResult> ReadAsync([EnumeratorCancellation] CancellationToken enumeratorToken)
    {
        using var activity = ClientActivities.Start(ClientActivities.ReadMany);
        var (files, failedFiles, bytes) = (0L, 0L, 0L);
        var results = new BatchRun(services, options).ReadAsync(paths, cancellationToken).GetAsyncEnumerator(enumeratorToken);
        try
        {
            while (await MoveNextAsync(results, activity).ConfigureAwait(false))
            {
                var result = results.Current;
                files++;
                failedFiles += result.Error is null ? 0 : 1;
                bytes += result.Error is null ? result.Memory.Length : 0;
                yield return result;
            }
        }
        finally
        {
            activity?.SetTag(ClientActivities.FilesTag, files)
                .SetTag(ClientActivities.FailedFilesTag, failedFiles)
                .SetTag(ClientActivities.BytesTag, bytes);
            await results.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ReadManyResult> results, Activity? activity)
    {
        try
        {
            return await results.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (activity.Failed(error))
        {
            throw;
        }
    }
}
