using OrleansCache.Grains.Groups;
using OrleansCache.Groups;

namespace OrleansCache.Grains.Tests;

public sealed class GroupStateTests
{
    [Fact]
    public void Joining_grows_the_epoch_and_keeps_members_in_order()
    {
        var state = new GroupState().With(Member("b", 1)).With(Member("a", 1));
        Assert.Equal(2, state.Epoch);
        Assert.Equal(["a", "b"], state.ToView("g").Members.Select(member => member.SiloName));
    }

    [Fact]
    public void Joining_again_replaces_and_saying_the_same_twice_changes_nothing()
    {
        var state = new GroupState().With(Member("a", 1));
        Assert.Same(state, state.With(Member("a", 1)));
        var again = state.With(Member("a", 2));
        Assert.Equal((2, 2), (again.Epoch, again.ToView("g").Members.Single().Generation));
        Assert.Same(again, again.With(Member("a", 1))); // a late message
        Assert.Equal(3, again.With(Member("a", 2) with { DataPort = 5 }).Epoch);
    }

    [Fact]
    public void A_group_is_bounded_and_survives_its_stored_form()
    {
        var state = new GroupState();
        for (var i = 0; i < GroupState.MaxMembers; i++)
        {
            state = state.With(Member($"{i}", 1));
        }

        Assert.Throws<CacheRequestException>(() => state.With(Member("one more", 1)));
        var read = System.Text.Json.JsonSerializer.Deserialize<GroupState>(System.Text.Json.JsonSerializer.Serialize(state))!;
        Assert.Equal(state.ToView("g").Members.AsEnumerable(), read.ToView("g").Members.AsEnumerable());
    }

    private static GroupMember Member(string name, int generation) => new()
    {
        SiloName = name,
        Generation = generation,
        DataHost = "127.0.0.1",
        DataPort = 1,
        HostId = "h",
        SocketPath = "/s",
    };
}
