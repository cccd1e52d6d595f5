using OrleansCache.Linux;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>The tiers' directories before anything is opened in them.</summary>
internal static class TierDirectories
{
    private const int ReadOnlyFileSystem = 30; // EROFS

    /// <summary>
    /// Makes sure that they are there, can be written and are different ones: a link or a bind mount can make two paths one
    /// directory, which no comparison of names shows.
    /// </summary>
    public static void Prepare(IReadOnlyList<TierSpec> tiers)
    {
        TierSpec[] usable = [.. tiers.Where(tier => IsUsable(tier, isOnly: tiers.Count == 1))];
        foreach (var tier in usable)
        {
            var name = $".tier-{Environment.ProcessId}";
            using var probe = File.Create(Path.Combine(tier.Directory, name), 1, FileOptions.DeleteOnClose);
            var same = usable.FirstOrDefault(other => other != tier && File.Exists(Path.Combine(other.Directory, name)));
            if (same is not null)
            {
                throw SiloStartException.Failure(
                    $"{Setting.Tier.Flag} {tier.Directory} and {same.Directory} are the same directory; give each disk one of its own");
            }
        }
    }

    /// <summary>A disk that answers with errors is the store's business when there are others: it goes on without.</summary>
    private static bool IsUsable(TierSpec tier, bool isOnly)
    {
        try
        {
            UsableDirectory.Prepare(tier.Directory, Setting.Tier.Flag, createParents: false);
            return true;
        }
        catch (SiloStartException exception) when (
            !isOnly && exception.InnerException is IOException { HResult: (int)Errno.InputOutput or ReadOnlyFileSystem })
        {
            return false;
        }
    }
}
