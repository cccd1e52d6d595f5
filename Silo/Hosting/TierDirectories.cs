using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>The tiers' directories before anything is opened in them.</summary>
internal static class TierDirectories
{
    /// <summary>
    /// Makes sure that they are there, can be written and are different ones: a link or a bind mount can make two paths one
    /// directory, which no comparison of names shows.
    /// </summary>
    public static void Prepare(IReadOnlyList<TierSpec> tiers)
    {
        foreach (var tier in tiers)
        {
            UsableDirectory.Prepare(tier.Directory, Setting.Tier.Flag, createParents: false);
        }

        foreach (var tier in tiers)
        {
            var name = $".tier-{Environment.ProcessId}";
            using var probe = File.Create(Path.Combine(tier.Directory, name), 1, FileOptions.DeleteOnClose);
            var same = tiers.FirstOrDefault(other => other != tier && File.Exists(Path.Combine(other.Directory, name)));
            if (same is not null)
            {
                throw SiloStartException.Failure(
                    $"{Setting.Tier.Flag} {tier.Directory} and {same.Directory} are the same directory; give each disk one of its own");
            }
        }
    }
}
