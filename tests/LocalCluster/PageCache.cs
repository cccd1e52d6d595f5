using System.Diagnostics;

namespace OrleansCache.LocalCluster;

/// <summary>The kernel's caches, as far as measurements must control them.</summary>
public static class PageCache
{
    /// <summary>Writes dirty pages and drops pages, dentries and inodes of the whole machine. Needs root.</summary>
    /// <returns>False without the right to do it: state K, not B.</returns>
    public static bool TryDrop()
    {
        using (var sync = Process.Start("sync"))
        {
            sync.WaitForExit();
        }

        try
        {
            File.WriteAllText("/proc/sys/vm/drop_caches", "3");
            return true;
        }
        catch (Exception denied) when (denied is UnauthorizedAccessException or IOException)
        {
            return false;
        }
    }
}
