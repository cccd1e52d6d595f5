using Orleans.Concurrency;

namespace OrleansCache.Groups;

/// <summary>One cache group (key: its name): its silos and where their blocks are served. Persisted; the epoch only grows.</summary>
[Alias("ICacheGroupGrain")]
public interface ICacheGroupGrain : IGrainWithStringKey
{
    /// <summary>The group of silos and clients that name none.</summary>
    const string DefaultGroup = "default";

    /// <summary>A silo says that it serves. Joining again under the same name replaces the old entry.</summary>
    /// <returns>The group's view with the silo in it.</returns>
    [Alias("Join")]
    ValueTask<GroupView> Join(GroupMember member, CancellationToken cancellationToken);

    /// <summary>The silos of the group.</summary>
    [Alias("GetView"), AlwaysInterleave]
    ValueTask<GroupView> GetView(CancellationToken cancellationToken);
}
