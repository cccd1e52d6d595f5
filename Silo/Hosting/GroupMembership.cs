using OrleansCache.Groups;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>Says to the cache group that this silo serves. Clients find it from then on.</summary>
internal sealed partial class GroupMembership(IGrainFactory grains, TimeProvider time, ILogger<GroupMembership> logger)
{
    /// <summary>Ten attempts of five seconds: the first grain call of a busy machine may take a few.</summary>
    private const int AttemptsMax = 10;

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Joins; tries again a bounded number of times.</summary>
    /// <exception cref="SiloStartException">The group's grain does not answer.</exception>
    public async Task<GroupView> JoinAsync(GroupMember member, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var deadline = new CancellationTokenSource(AttemptTimeout, time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
                return await grains.GetGrain<ICacheGroupGrain>(ICacheGroupGrain.DefaultGroup)
                    .Join(member, both.Token).AsTask().WaitAsync(both.Token);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotJoined(attempt, AttemptsMax, exception.Message);
                if (attempt == AttemptsMax)
                {
                    throw SiloStartException.Failure(
                        $"cannot join the cache group '{ICacheGroupGrain.DefaultGroup}' ({exception.Message}); "
                        + "look at the log with --log-level debug",
                        exception);
                }
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Joining the cache group failed ({Attempt} of {AttemptsMax}): {Reason}")]
    private partial void LogNotJoined(int attempt, int attemptsMax, string reason);
}
