using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;
using OrleansCache.Metadata;
using OrleansCache.Reading;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// The namespace as a read-only file system. A node is one version of one file, so the kernel's pages of it are right
/// for ever; names and attributes are given to the kernel for no longer than their lease. What the view or a reader
/// answers at once is answered on the session thread; everything else is taken away and answered later, at the latest
/// at the deadline. Thread-safe; docs/SEMANTICS.md says what programs see of it.
/// </summary>
internal sealed partial class OcacheFileSystem : IFuseFileSystem
{
    private readonly INamespaceView _view;
    private readonly IFileOpener _opener;
    private readonly FileSystemOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LeaseClock _clock;
    private readonly NodeTable _nodes;
    private readonly NodeTrimmer _trimmer;
    private readonly HandleTable<OpenFile> _files;
    private readonly HandleTable<OpenDirectory> _directories;
    private readonly ReadAdmission _admission;
    private readonly AbsentNames _absent;
    private readonly KernelExpiry _kernel;
    private readonly FreshLookups _freshLookups;
    private readonly BackgroundWork _background = new();
    private IFuseConnection? _connection;

    /// <summary>A file system that shows one directory of the namespace.</summary>
    /// <param name="view">The namespace.</param>
    /// <param name="opener">Opens files of it.</param>
    /// <param name="root">The directory to show, with what is left of its lease.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">Counts leases and deadlines.</param>
    /// <param name="logger">Hears of failures.</param>
    public OcacheFileSystem(
        INamespaceView view,
        IFileOpener opener,
        NodeOutcome root,
        FileSystemOptions options,
        TimeProvider time,
        ILogger logger)
    {
        (_view, _opener, _options, _time, _logger) = (view, opener, options, time, logger);
        _clock = new LeaseClock(time);
        _freshLookups = new FreshLookups(time);
        _nodes = new NodeTable(root.Node!, root.ValidFor, _clock, options.NodesMax);
        _trimmer = new NodeTrimmer(_nodes, Counters, options.NodesSoftMax);
        _files = new HandleTable<OpenFile>(options.HandlesMax);
        _directories = new HandleTable<OpenDirectory>(options.HandlesMax);
        _admission = new ReadAdmission(options.ReadsInFlightMax, options.ReadBytesInFlightMax);
        _absent = new AbsentNames(options.AbsentNamesMax);
        _kernel = new KernelExpiry(_nodes, _absent, _clock, Counters, time, logger);
    }

    public FileSystemCounters Counters { get; } = new();

    /// <summary>Nodes the kernel knows.</summary>
    public int NodeCount => _nodes.Count;

    public int OpenFileCount => _files.Count;

    public int OpenDirectoryCount => _directories.Count;

    /// <summary>Reads that wait for data, and those that wait for their turn.</summary>
    public (int InFlight, int Queued) WaitingReads => (_admission.ReadsInFlight, _admission.Waiting);

    /// <summary>Completes after <see cref="Destroy"/> when the last cancelled work has let its readers go.</summary>
    public Task Drained => _background.Drained;

    public void Init(IFuseConnection connection)
    {
        _connection = connection;
        _background.Enter();
        _ = TellKernelAsync(connection);
        _view.Changed += _kernel.OnChanged;
    }

    public void Destroy()
    {
        _connection = null;
        _view.Changed -= _kernel.OnChanged;
        _kernel.Stop();
        _directories.Clear();
        _files.Clear();
        _background.Close();
    }

    public void Forget(ulong nodeId, ulong lookupCount) => _nodes.Forget(nodeId, lookupCount);

    public void ForgetMany(ReadOnlySpan<FuseForgetOne> forgets)
    {
        foreach (ref readonly var one in forgets)
        {
            _nodes.Forget(one.NodeId, one.LookupCount);
        }
    }

    /// <summary>default_permissions lets the kernel decide; whoever asks all the same may try.</summary>
    public FuseReply Access(in FuseRequest request, in FuseAccessIn arguments) => FuseReply.Ok;

    private async Task TellKernelAsync(IFuseConnection connection)
    {
        await _kernel.RunAsync(connection).ConfigureAwait(false);
        _background.Exit();
    }

    /// <summary>What the kernel may keep of an answer that was begun at a stamp: nothing when something changed since.</summary>
    private TimeSpan ValidFor(TimeSpan leased, long stamp) => _kernel.Stamp == stamp ? leased : TimeSpan.Zero;

    /// <summary>Answers now if the work is done, else when it is.</summary>
    private FuseReply Complete<TAnswer>(
        in FuseRequest request, PendingOperation operation, ValueTask<TAnswer> pending)
        where TAnswer : struct, IFuseAnswer
    {
        if (pending.IsCompletedSuccessfully)
        {
            operation.Dispose();
            return pending.Result.Send(in request);
        }

        operation.Start(request.Defer(), _time, _options.Deadline);
        _ = CompleteLaterAsync(operation, pending, request.Opcode);
        return FuseReply.Deferred;
    }

    private async Task CompleteLaterAsync<TAnswer>(
        PendingOperation operation, ValueTask<TAnswer> pending, FuseOpcode opcode)
        where TAnswer : struct, IFuseAnswer
    {
        _background.Enter();
        try
        {
            var answer = await pending.ConfigureAwait(false);
            if (!operation.TryAnswer(out var token) || !answer.Send(token))
            {
                answer.Undo();
            }
        }
        catch (OperationCanceledException)
        {
            operation.Fail(Errno.InputOutput); // Only when neither the interrupt nor the deadline has answered.
        }
        catch (Exception exception)
        {
            LogFailed(exception, opcode);
            operation.Fail(Errno.InputOutput);
        }
        finally
        {
            operation.Dispose();
            _background.Exit();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Opcode} failed unexpectedly; the program got EIO")]
    private partial void LogFailed(Exception exception, FuseOpcode opcode);
}
