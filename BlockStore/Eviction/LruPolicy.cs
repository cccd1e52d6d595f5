using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Least recently used file first. A touch is one clock read and one store into the file, nothing shared between readers;
/// the order is made when it is needed, over all files, which a batch of evicted blocks pays for.
/// </summary>
internal sealed class LruPolicy(TimeProvider time) : IEvictionPolicy
{
    public void Touch(CachedFile file) => file.Touch(time.GetTimestamp());

    public List<CachedFile> PickVictims(IEnumerable<CachedFile> files, long bytesWanted)
    {
        // A heap of the coldest files that together hold what is wanted, hottest of them on top.
        // Twice the wanted bytes, because pinned and leased files will be passed over.
        var coldest = new PriorityQueue<CachedFile, long>();
        long bytes = 0;
        foreach (var file in files)
        {
            if (file.PresentBytes == 0)
            {
                continue;
            }

            coldest.Enqueue(file, -file.LastUsed);
            bytes += file.PresentBytes;
            while (coldest.TryPeek(out var hottest, out _) && bytes - hottest.PresentBytes >= bytesWanted * 2)
            {
                bytes -= coldest.Dequeue().PresentBytes;
            }
        }

        var victims = new List<CachedFile>(coldest.Count);
        while (coldest.TryDequeue(out var file, out _))
        {
            victims.Add(file);
        }

        victims.Reverse();
        return victims;
    }
}
