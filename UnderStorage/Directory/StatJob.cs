using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>Attributes of one path, asked from the server itself.</summary>
internal sealed class StatJob(BeneathRoot root, FileInspector inspector, string path) : BlockingJob<StatOutcome>
{
    protected override StatOutcome Execute(Scratch scratch)
    {
        using var handle = root.OpenForStat(path, out var errno);
        if (handle is null)
        {
            return new StatOutcome(ErrnoStatus.Of(errno), default);
        }

        errno = inspector.Inspect(handle, forceSync: true, out var metadata, out _);
        return errno == 0 ? new StatOutcome(ReadStatus.Ok, metadata) : new StatOutcome(ErrnoStatus.Of(errno), default);
    }
}
