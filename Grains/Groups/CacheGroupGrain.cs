using Microsoft.Extensions.Logging;
using OrleansCache.Groups;

namespace OrleansCache.Grains.Groups;

/// <summary>One cache group. How it changes: <see cref="GroupState"/>. A change counts when it is stored.</summary>
[GrainType("group")]
internal sealed partial class CacheGroupGrain(
    [PersistentState("members")] IPersistentState<GroupState> state, ILogger<CacheGroupGrain> logger) : Grain, ICacheGroupGrain
{
    private GroupView? _view;

    private GroupView View => _view ??= state.State.ToView(this.GetPrimaryKeyString());

    public async ValueTask<GroupView> Join(GroupMember member, CancellationToken cancellationToken)
    {
        var before = state.State;
        var next = before.With(member);
        if (next != before)
        {
            var view = View; // readers interleave: they see the old view until the new one is stored
            state.State = next;
            try
            {
                await state.WriteStateAsync(CancellationToken.None); // half a wish to write is none
            }
            catch
            {
                state.State = before;
                throw;
            }

            _view = next.ToView(view.Name);
            LogJoined(member.SiloName, member.Generation, view.Name, next.Epoch);
        }

        return View;
    }

    public ValueTask<GroupView> GetView(CancellationToken cancellationToken) => new(View);

    [LoggerMessage(Level = LogLevel.Information, Message = "Silo {Silo} ({Generation}) joined group {Group}; epoch {Epoch}")]
    private partial void LogJoined(string silo, int generation, string group, long epoch);
}
