using OrleansCache.Groups;

namespace OrleansCache.Grains.Groups;

/// <summary>What a cache group stores, and how it changes. The JSON names of these members are a format: add, never rename.</summary>
internal sealed class GroupState
{
    /// <summary>More silos than one group should have; the view must fit a grain message.</summary>
    public const int MaxMembers = 128;

    /// <summary>Grows with every change.</summary>
    public long Epoch { get; set; }

    /// <summary>Members, ordered by name.</summary>
    public List<StoredMember> Members { get; set; } = [];

    /// <summary>The state after a silo joined: the same object when that changes nothing.</summary>
    /// <exception cref="CacheRequestException">The group is full.</exception>
    public GroupState With(GroupMember member)
    {
        var joined = StoredMember.From(member);
        var known = Members.Find(one => one.SiloName == member.SiloName);
        if (known is not null && (known == joined || known.Generation > joined.Generation))
        {
            return this; // said before, or a late message of a process that is gone
        }

        if (known is null && Members.Count >= MaxMembers)
        {
            throw new CacheRequestException(
                RequestError.InvalidArgument,
                $"the group has {MaxMembers} silos, which is the limit. Start {member.SiloName} in another group.");
        }

        return new GroupState
        {
            Epoch = Epoch + 1,
            Members = [.. Members.Where(one => one != known).Append(joined).OrderBy(one => one.SiloName, StringComparer.Ordinal)],
        };
    }

    /// <summary>The group as clients see it.</summary>
    public GroupView ToView(string name) => new(name, Epoch, [.. Members.Select(member => member.ToMember())]);
}

/// <summary>One silo as stored.</summary>
internal sealed record StoredMember
{
    public required string SiloName { get; init; }

    public required int Generation { get; init; }

    public required string DataHost { get; init; }

    public required int DataPort { get; init; }

    public string? SocketPath { get; init; }

    public required string HostId { get; init; }

    public static StoredMember From(GroupMember member) => new()
    {
        SiloName = member.SiloName,
        Generation = member.Generation,
        DataHost = member.DataHost,
        DataPort = member.DataPort,
        SocketPath = member.SocketPath,
        HostId = member.HostId,
    };

    public GroupMember ToMember() => new()
    {
        SiloName = SiloName,
        Generation = Generation,
        DataHost = DataHost,
        DataPort = DataPort,
        SocketPath = SocketPath,
        HostId = HostId,
    };
}
