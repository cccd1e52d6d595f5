using Microsoft.Extensions.Logging;
using Orleans.Runtime.Messaging;

namespace OrleansCache.Metadata;

/// <summary>
/// Calls grains on behalf of readers: a call is repeated until its deadline while the cluster cannot be reached, so a silo's
/// restart is a pause. Only for calls that may run twice.
/// </summary>
internal sealed partial class GrainCaller(TimeSpan deadline, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>Asks until there is an answer.</summary>
    /// <exception cref="ClusterUnreachableException">No answer within the deadline.</exception>
    public async Task<T> AskAsync<T>(
        string what, Func<CancellationToken, ValueTask<T>> ask, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var pause = FirstPause;
        Exception? last = null;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await ask(both.Token).AsTask().WaitAsync(both.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (IsTransient(error))
            {
                last = error;
                LogRetry(what, attempt, error.Message);
            }
            catch (OperationCanceledException) when (
                timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw NoAnswer(what, new Effort(attempt, time.GetElapsedTime(started)), last);
            }

            if (time.GetElapsedTime(started) + pause >= deadline)
            {
                throw NoAnswer(what, new Effort(attempt, time.GetElapsedTime(started)), last);
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Whether the cluster may answer the same question later.</summary>
    public static bool IsTransient(Exception error) => error
        is OrleansMessageRejectionException or ConnectionFailedException or TimeoutException
        or GatewayTooBusyException or LimitExceededException or Orleans.Storage.InconsistentStateException;

    private ClusterUnreachableException NoAnswer(string what, Effort effort, Exception? last) => new(
        $"the cluster did not answer within {deadline.TotalSeconds:0.#} s ({what}, {effort.Attempts} attempts"
        + (last is null ? ")" : $", last: {last.Message})"),
        effort,
        last);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{What}: attempt {Attempt} failed: {Error}")]
    private partial void LogRetry(string what, int attempt, string error);
}
