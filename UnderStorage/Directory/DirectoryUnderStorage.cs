using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// A directory (NAS, NFS, Lustre, local) as under storage. Nothing it opens lies outside its root; links are not followed; every
/// blocking call runs on threads of this source, so that a hung server starves nobody. After disposal answers are Unavailable;
/// calls under way are finished. Thread-safe.
/// </summary>
internal sealed class DirectoryUnderStorage : IUnderStorage
{
    /// <summary>First pause before a version that is still being written is looked at again; doubles to the longest.</summary>
    private static readonly TimeSpan FirstProofPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestProofPause = TimeSpan.FromMilliseconds(250);

    private readonly BeneathRoot _root;
    private readonly FileInspector _inspector;
    private readonly OpenFileCache _openFiles;
    private readonly BlockingThreads _readThreads;
    private readonly BlockingThreads _metadataThreads;
    private readonly TimeProvider _time;
    private volatile bool _disposed;

    public DirectoryUnderStorage(SourceId source, SafeFileHandle root, DirectoryUnderStorageOptions options, TimeProvider time)
    {
        Source = source;
        _time = time;
        _root = new BeneathRoot(root);
        _inspector = new FileInspector(source);
        _openFiles = new OpenFileCache(options.MaxOpenFiles, time);
        _readThreads = new BlockingThreads($"read {source}", options.ReadThreads, options.MaxQueued);
        _metadataThreads = new BlockingThreads($"meta {source}", options.MetadataThreads, options.MaxQueued);
    }

    /// <inheritdoc/>
    public SourceId Source { get; }

    /// <summary>Files open now.</summary>
    internal int OpenFileCount => _openFiles.Count;

    /// <inheritdoc/>
    public ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken) => _disposed
        ? new(new StatOutcome(ReadStatus.Unavailable, default))
        : _metadataThreads.RunAsync(
            new StatJob(_root, _inspector, path), new StatOutcome(ReadStatus.DeadlineExceeded, default), cancellationToken);

    /// <inheritdoc/>
    public bool ListsInOrder => false;

    /// <summary>Each piece is proven by two looks at the version, which a network file system asks its server for.</summary>
    public int PieceBytesMax => 1 << 20;

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    /// <inheritdoc/>
    public IListing List(string path, string? resumeAt) => new DirectoryListing((sink, token) => _disposed
        ? new(ReadStatus.Unavailable)
        : _metadataThreads.RunAsync(new ListJob(_root, _inspector, path, sink), ReadStatus.DeadlineExceeded, token));

    /// <inheritdoc/>
    public ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken) => _disposed
        ? new(new LinkOutcome(ReadStatus.Unavailable, ""))
        : _metadataThreads.RunAsync(
            new ReadLinkJob(_root, path), new LinkOutcome(ReadStatus.DeadlineExceeded, ""), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination,
        CancellationToken cancellationToken)
    {
        if (offsetBytes < 0 || offsetBytes > version.LengthBytes - destination.Length)
        {
            return ReadStatus.InvalidRequest;
        }

        var pause = FirstProofPause;
        while (!_disposed)
        {
            var job = new ReadJob(_root, _inspector, _openFiles, _time, path, file, version, offsetBytes, destination);
            var attempt = await _readThreads.RunAsync(
                job, new ReadAttempt(ReadStatus.DeadlineExceeded), cancellationToken).ConfigureAwait(false);
            if (attempt.RetryAfter == TimeSpan.Zero)
            {
                return attempt.Status;
            }

            // Too young to be proven. Its writer may close it any moment, which proves it at once on some file systems.
            try
            {
                var wait = attempt.RetryAfter < pause ? attempt.RetryAfter : pause;
                await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ReadStatus.DeadlineExceeded;
            }

            pause = pause * 2 < LongestProofPause ? pause * 2 : LongestProofPause;
        }

        return ReadStatus.Unavailable;
    }

    /// <inheritdoc/>
    public ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken) =>
        this.StreamByPiecesAsync(path, file, version, offsetBytes, lengthBytes, buffer, sink, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _disposed = true;
        _readThreads.Dispose();
        _metadataThreads.Dispose();
        _openFiles.Dispose();
        _root.Dispose();
        return ValueTask.CompletedTask;
    }
}
