using OrleansCache.DataPlane;
using OrleansCache.Files;
using OrleansCache.Groups;

namespace OrleansCache.Routing;

/// <summary>Pure decisions: which silo, and how to reach it.</summary>
internal static class SiloChoice
{
    /// <summary>
    /// The silo that serves a key. A group has one silo until the ring comes; all callers pass the key already, so the
    /// ring's rendezvous hash goes here and nowhere else.
    /// </summary>
    public static GroupMember? For(GroupView view, FileKey key)
    {
        _ = key;
        return view.Members.IsDefaultOrEmpty ? null : view.Members[0];
    }

    /// <summary>The Unix socket when the silo runs under our kernel, with TCP beside it.</summary>
    public static DataEndpoint EndpointOf(GroupMember member, string ownHostId) => new(
        member.DataHost,
        member.DataPort,
        ownHostId.Length > 0 && string.Equals(member.HostId, ownHostId, StringComparison.Ordinal) ? member.SocketPath : null);
}
