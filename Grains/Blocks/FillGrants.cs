using OrleansCache.Blocks;
using OrleansCache.Files;

namespace OrleansCache.Grains.Blocks;

/// <summary>
/// Who may fill what: one grant per file version of a run. A grant lives <see cref="Lifetime"/> without renewal; a silo that
/// restarted takes over its own. Losing the memory costs a second fill, never correctness.
/// </summary>
internal sealed class FillGrants(TimeProvider time)
{
    /// <summary>DESIGN §3: longer than a pause of a healthy silo, shorter than a reader's patience.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    /// <summary>A shard of small files at a silo's full speed has fewer in flight; beyond it grants are given, not remembered.</summary>
    public const int MaxRemembered = 16384;

    private sealed record Grant(string SiloName, int Generation, long RenewedAt);

    private readonly Dictionary<FileKey, Grant> _grants = [];

    /// <summary>Grants remembered now.</summary>
    public int Count => _grants.Count;

    /// <summary>Gives, renews or refuses.</summary>
    public FillGrant Acquire(FillRequest request)
    {
        var file = request.FirstMissing.File;
        if (_grants.TryGetValue(file, out var current) && !MayTake(current, request))
        {
            return new FillGrant(false, current.SiloName, Lifetime - time.GetElapsedTime(current.RenewedAt));
        }

        if (current is null && _grants.Count >= MaxRemembered)
        {
            ForgetExpired();
        }

        if (current is not null || _grants.Count < MaxRemembered)
        {
            _grants[file] = new Grant(request.SiloName, request.SiloGeneration, time.GetTimestamp());
        }

        return new FillGrant(true, null, Lifetime);
    }

    private bool MayTake(Grant current, FillRequest request) => current.SiloName == request.SiloName
        ? request.SiloGeneration >= current.Generation // a message of its dead predecessor takes nothing back
        : IsExpired(current);

    private bool IsExpired(Grant grant) => time.GetElapsedTime(grant.RenewedAt) >= Lifetime;

    private void ForgetExpired()
    {
        foreach (var (file, _) in _grants.Where(pair => IsExpired(pair.Value)).ToList())
        {
            _grants.Remove(file);
        }
    }
}
