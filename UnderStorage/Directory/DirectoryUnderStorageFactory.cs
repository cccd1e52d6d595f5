using OrleansCache.Linux;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>Opens <c>file://</c> sources.</summary>
/// <param name="bounds">Bounds of each source.</param>
/// <param name="time">The clocks.</param>
public sealed class DirectoryUnderStorageFactory(DirectoryUnderStorageOptions bounds, TimeProvider time) : IUnderStorageFactory
{
    /// <inheritdoc/>
    public string Scheme => "file";

    /// <inheritdoc/>
    public SourceIdentity Identify(string uri, SourceOptions options) => options.Driver.IsEmpty
        ? SourceIdentity.OfUri(FileUri.Canonicalize(uri))
        : throw new CacheRequestException(
            RequestError.InvalidArgument, $"there is no option '{options.Driver[0].Name}' for file:// sources.");

    /// <inheritdoc/>
    public async ValueTask<IUnderStorage> OpenAsync(
        SourceIdentity identity, SourceOptions options, CancellationToken cancellationToken)
    {
        var path = FileUri.AbsolutePathOf(identity.Uri);
        using var threads = new BlockingThreads("open source", maxThreads: 1, maxQueued: 1);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), deadline, bounds.OpenTimeout, Timeout.InfiniteTimeSpan);
        var opened = await threads.RunAsync(
            new OpenRootJob(path), new OpenedRoot((int)Errno.TimedOut, null), deadline.Token).ConfigureAwait(false);
        if (opened.Root is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Explain(path, opened.Errno);
        }

        return new DirectoryUnderStorage(identity.Id, opened.Root, bounds, time);
    }

    private CacheRequestException Explain(string path, int errno) => (Errno)errno switch
    {
        Errno.NoEntry => new(RequestError.NotFound,
            $"'{path}' does not exist on this silo's machine. Check the path; a network file system must be mounted there first."),
        Errno.NotDirectory => new(RequestError.InvalidArgument,
            $"'{path}' is not a directory. Attach the directory it lies in."),
        Errno.AccessDenied or Errno.NotPermitted => new(RequestError.AccessDenied,
            $"the silo may not read '{path}'. Give its user read and search permission, or run it as another user."),
        Errno.NotImplemented => new(RequestError.Unavailable,
            $"'{path}' cannot be attached safely: this kernel has no openat2. Linux 5.6 or later is needed."),
        Errno.TimedOut => new(RequestError.Unavailable,
            $"'{path}' did not answer within {bounds.OpenTimeout.TotalSeconds:0.#} s. Is the file server up?"),
        _ => new(RequestError.Unavailable,
            $"'{path}' cannot be opened: error {errno} ({(Errno)errno}). Check the file system it lies on."),
    };
}
