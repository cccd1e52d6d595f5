using System.Collections.Immutable;

namespace OrleansCache.Groups;

/// <summary>A group at one epoch.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Epoch">Grows with every change.</param>
/// <param name="Members">Its silos, ordered by name.</param>
[GenerateSerializer, Immutable, Alias("groupview")]
public sealed record GroupView(
    [property: Id(0)] string Name, [property: Id(1)] long Epoch, [property: Id(2)] ImmutableArray<GroupMember> Members);
