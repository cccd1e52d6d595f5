using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>How long a client may trust an answer: the lease of DESIGN §8, but never past the source's sync interval.</summary>
internal static class SyncLease
{
    /// <summary>The lease of knowledge of this age; zero for <c>always</c>.</summary>
    public static TimeSpan Remaining(SyncRule rule, TimeSpan age)
    {
        if (rule.Interval == Timeout.InfiniteTimeSpan)
        {
            return DirectoryLease.Default;
        }

        var left = rule.Interval - age;
        return left <= TimeSpan.Zero ? TimeSpan.Zero
            : left < DirectoryLease.Default ? left
            : DirectoryLease.Default;
    }
}
