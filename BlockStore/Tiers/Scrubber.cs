using Microsoft.Extensions.Logging;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Reads every block of a disk again and again in the order of the files' keys, so that each is looked at once a round and
/// the one looked at longest ago is next. Keys are hashes: the 256 parts by their first byte are of like size, and only one
/// part's keys are in memory. Stays below its rate; where it is, is remembered.
/// </summary>
internal sealed partial class Scrubber : IAsyncDisposable
{
    private const int Parts = 256;

    /// <summary>At least this long a part: finding its keys looks at every file of the disk.</summary>
    private static readonly TimeSpan PartPeriod = TimeSpan.FromSeconds(1);

    private readonly DiskBlockStore _store;
    private readonly string _directory;
    private readonly Pace _pace;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _scrubbedBytes;

    public Scrubber(DiskBlockStore store, string directory, long bytesPerSecond, TimeProvider time, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerSecond);
        _store = store;
        _directory = directory;
        _pace = new Pace(bytesPerSecond, time);
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    public long ScrubbedBytes => Volatile.Read(ref _scrubbedBytes);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            var from = Position();
            while (true)
            {
                for (var part = (int)(from.High >> 56); part < Parts; part++)
                {
                    await ScrubPartAsync(part, from);
                    await Task.Delay(PartPeriod, _time, _stop.Token);
                }

                from = default;
            }
        }
        catch (OperationCanceledException)
        {
            return; // Stopping.
        }
        catch (Exception exception)
        {
            LogBroken(exception, _directory);
        }
    }

    private async Task ScrubPartAsync(int part, FileKey from)
    {
        var files = _store.EnumerateFiles(key => (int)(key.High >> 56) == part && Compare(key, from) >= 0).ToList();
        files.Sort((a, b) => Compare(a.File, b.File));
        foreach (var file in files)
        {
            try
            {
                await ScrubFileAsync(file);
            }
            catch (IOException exception)
            {
                LogNotRead(exception, file.File, _directory); // No descriptor left, say: the next round comes by again.
            }
        }

        if (files.Count > 0)
        {
            RememberPosition(files[^1].File);
        }
    }

    private async Task ScrubFileAsync(StoredFile file)
    {
        var blocks = file.Layout.CountFor(file.FileLengthBytes);
        for (var block = 0; block < blocks; block++)
        {
            _stop.Token.ThrowIfCancellationRequested();
            var bytes = await _store.ScrubBlockAsync(file.File, block);
            if (bytes > 0)
            {
                Interlocked.Add(ref _scrubbedBytes, bytes);
                await _pace.AfterAsync(bytes, _stop.Token);
            }
        }
    }

    /// <summary>Where it is is not worth ending it for.</summary>
    private FileKey Position()
    {
        try
        {
            return _store.ReadScrubPosition();
        }
        catch (IOException exception)
        {
            LogNotRead(exception, default, _directory);
            return default;
        }
    }

    private void RememberPosition(FileKey key)
    {
        try
        {
            _store.WriteScrubPosition(key);
        }
        catch (IOException exception)
        {
            LogNotRead(exception, key, _directory);
        }
    }

    private static int Compare(FileKey a, FileKey b) =>
        a.High != b.High ? a.High.CompareTo(b.High) : a.Low.CompareTo(b.Low);

    [LoggerMessage(Level = LogLevel.Error, Message = "The scrub of tier {Directory} has ended by an error; its blocks are still verified as ever")]
    private partial void LogBroken(Exception exception, string directory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The scrub could not look at {File} of tier {Directory}")]
    private partial void LogNotRead(Exception exception, FileKey file, string directory);
}
