using Microsoft.Extensions.Logging;
using OrleansCache.Files;

namespace OrleansCache.BlockStore;

public sealed partial class DiskBlockStore
{
    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Opened tier {Directory}: {Files} files, {Blocks} blocks, {UnprovenBytes} bytes to be verified before use; "
            + "replayed {JournalBytes} journal bytes")]
    private partial void LogOpened(string directory, long files, long blocks, long unprovenBytes, long journalBytes);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The index of tier {Directory} is damaged ({Why}); what is left of it is verified block by block before use")]
    private partial void LogIndexDamaged(string directory, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cache file of {File} has vanished ({Path}); its blocks are given up")]
    private partial void LogFileLost(FileKey file, string path);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Block {Block} of {File} does not match its checksums; dropped, it will be fetched again")]
    private partial void LogCorrupt(FileKey file, int block);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Tier {Directory} takes no more fills: {Why}. Check the disk, then put it in again: ocache disks in")]
    private partial void LogUnhealthy(Exception exception, string directory, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "{File} cannot be evicted now")]
    private partial void LogEvictionFailed(Exception exception, FileKey file);

    [LoggerMessage(Level = LogLevel.Error, Message = "Cache file {Path} cannot be opened now")]
    private partial void LogOpenFailed(Exception exception, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Leftovers in {Path} cannot be given back now")]
    private partial void LogPunchFailed(Exception exception, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "A background task of the block store failed")]
    private partial void LogBackgroundFailed(Exception exception);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "The disk of tier {Directory} is full with {UsedBytes} bytes of ours; evicting")]
    private partial void LogDiskFull(string directory, long usedBytes);

    private void SetUnhealthy(Exception exception)
    {
        if (!_healthy)
        {
            return;
        }

        _healthy = false;
        if (_options.Failed is { } failed)
        {
            failed(this, exception);
        }
        else
        {
            LogUnhealthy(exception, _directory.Root, exception.Message);
        }
    }
}
