using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Reading;

/// <summary>
/// One file version, shared by its readers: the lease, the right to read, and the count of reads the silo could not see.
/// The warm path takes no lock and allocates nothing; everything else goes through <c>SharedFile.Fetch.cs</c>. Thread-safe.
/// </summary>
internal sealed partial class SharedFile : IDisposable
{
    // A silo that gives no lease now (descriptors run out, too much unlinked) is asked again after this.
    private static readonly TimeSpan LeasePause = TimeSpan.FromSeconds(1);

    private readonly ReadServices _services;
    private readonly Readahead _readahead;
    private readonly Lock _gate = new();
    // Never disposed: a reader may still be in it, and it holds no handle.
    private readonly SemaphoreSlim _leasing = new(1, 1);
    private volatile NodeEntry _node;
    private volatile LeasedFile? _lease;
    private volatile bool _isCold; // Nothing of it was cached at the open, and nothing was read since.
    private volatile bool _hasArrived; // Something of it was: a lease can be had before the next question.
    private volatile bool _isPacked; // It shares a file with others: a read is one answer, and there is no lease to ask for.
    private bool _closed;
    private long _noLeaseUntil;
    private long _reads;
    private long _bytes;

    public SharedFile(NodeEntry node, ReadServices services)
    {
        _node = node;
        _services = services;
        Key = node.Entry.Key;
        LengthBytes = node.LengthBytes;
        _readahead = new Readahead(
            services.Readahead, services.Options.MaxReadaheadBytes,
            Math.Max(node.Entry.BlockSizeBytes, BlockLayout.MinBlockSizeBytes), LengthBytes);
    }

    /// <summary>The version's key.</summary>
    public FileKey Key { get; }

    /// <summary>Its length.</summary>
    public long LengthBytes { get; }

    /// <summary>The lease, while there is one.</summary>
    public LeasedFile? Lease => _lease;

    /// <summary>The right to read, as last seen.</summary>
    public ReadCapability Capability => CapabilityOf(_node);

    /// <summary>The connection the right was presented on last.</summary>
    public IBlockConnection? PresentedOn { get; private set; }

    /// <summary>Open readers; the table's.</summary>
    public int Readers { get; set; }

    /// <summary>Place among the idle files; the table's.</summary>
    public LinkedListNode<SharedFile>? IdleNode { get; set; }

    /// <summary>When the last reader left, as a timestamp; the table's.</summary>
    public long IdleSince { get; set; }

    /// <summary>Blocks known to be cached, in percent.</summary>
    public int KnownPercent => LengthBytes == 0 ? 100 : _lease?.ResidentPercent ?? 0;

    /// <summary>A newer look at the same version: its seal lasts longer.</summary>
    public void UseNode(NodeEntry node)
    {
        if (node.Entry.Seal.ExpiresUnixSeconds >= _node.Entry.Seal.ExpiresUnixSeconds)
        {
            _node = node;
        }
    }

    /// <summary>Reads a range inside the file if it is known to be resident.</summary>
    public bool TryRead(long offsetBytes, Span<byte> destination)
    {
        var lease = _lease;
        if (lease is null || !lease.IsResident(offsetBytes, destination.Length))
        {
            return false;
        }

        if (!lease.TryRead(offsetBytes, destination))
        {
            DropLease(lease);
            return false;
        }

        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _bytes, destination.Length);
        if (!lease.IsComplete && _readahead.OnWarmRead(offsetBytes, destination.Length))
        {
            Refill(offsetBytes, destination.Length);
        }

        return true;
    }

    /// <summary>The first reader came, or came back.</summary>
    public void OnOpened() => _readahead.Open();

    /// <summary>The last reader left.</summary>
    public void OnClosed() => _readahead.Close();

    /// <summary>Takes the reads since the last call.</summary>
    public UsageReport TakeUsage()
    {
        var bytes = Interlocked.Exchange(ref _bytes, 0);
        return new UsageReport(Key, Interlocked.Exchange(ref _reads, 0), bytes);
    }

    /// <summary>Gives back what could not be reported.</summary>
    public void PutBackUsage(UsageReport report)
    {
        Interlocked.Add(ref _reads, report.Reads);
        Interlocked.Add(ref _bytes, report.Bytes);
    }

    /// <summary>Closes the lease for good. A reader in flight goes on through the data plane.</summary>
    public void Dispose()
    {
        LeasedFile? lease;
        lock (_gate)
        {
            _closed = true;
            lease = _lease;
            _lease = null;
        }

        Give(lease);
    }

    /// <summary>The right to read a file, as its directory gave it.</summary>
    public static ReadCapability CapabilityOf(NodeEntry node) => new(
        node.Entry.Key, node.Source!.Id, node.SourcePath, node.Entry.Metadata.Id, node.Entry.Metadata.Version,
        node.Entry.BlockSizeBytes, node.Entry.Seal);

    private void DropLease(LeasedFile lease)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_lease, lease))
            {
                return;
            }

            _lease = null;
        }

        Give(lease);
    }

    private void Give(LeasedFile? lease)
    {
        if (lease is not null)
        {
            lease.Dispose();
            _services.Leases.ReturnLease();
        }
    }

    /// <summary>Takes a lease that is newer than the one seen.</summary>
    /// <param name="connection">Where to ask.</param>
    /// <param name="seen">What is not good enough.</param>
    /// <param name="isOpening">Whether a refusal may be a passing one: the first read then asks again.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async ValueTask<LeaseAttempt> TakeLeaseAsync(
        IBlockConnection connection, LeasedFile? seen, bool isOpening, CancellationToken cancellationToken)
    {
        if (!connection.PassesDescriptors)
        {
            return new LeaseAttempt(ReadStatus.NotSupported, null);
        }

        if (!SynchronousCaller.IsHere)
        {
            await _leasing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (!_leasing.Wait(0, CancellationToken.None))
        {
            return new LeaseAttempt(ReadStatus.Unavailable, null); // Whoever has the turn may need the pool: the data plane carries the bytes.
        }

        try
        {
            if (_lease is { } other && !ReferenceEquals(other, seen))
            {
                return new LeaseAttempt(ReadStatus.Ok, other);
            }

            if (_services.Time.GetTimestamp() < _noLeaseUntil || !_services.Leases.TryReserveLease())
            {
                return new LeaseAttempt(ReadStatus.Unavailable, null);
            }

            return await AskForLeaseAsync(connection, isOpening, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _leasing.Release();
        }
    }

    private async ValueTask<LeaseAttempt> AskForLeaseAsync(
        IBlockConnection connection, bool isOpening, CancellationToken cancellationToken)
    {
        var isTaken = false;
        try
        {
            var outcome = await connection.LeaseAsync(Key, cancellationToken).ConfigureAwait(false);
            if (outcome is { Status: ReadStatus.Ok, Lease: { } lease } && IsOurs(lease) && Install(new LeasedFile(lease)))
            {
                isTaken = true;
                return new LeaseAttempt(ReadStatus.Ok, _lease);
            }

            outcome.Lease?.Dispose();
            var status = outcome.Status == ReadStatus.Ok ? ReadStatus.Unavailable : outcome.Status;
            _isPacked |= status == ReadStatus.NotSupported;
            if (status == ReadStatus.Unavailable && connection.IsOpen && !isOpening)
            {
                // Leases are short. Of a file that merely is not there yet (NotFound) the next question may bring one.
                _noLeaseUntil = _services.Time.GetTimestamp()
                    + (long)(LeasePause.TotalSeconds * _services.Time.TimestampFrequency);
            }

            return new LeaseAttempt(status, null);
        }
        finally
        {
            if (!isTaken)
            {
                _services.Leases.ReturnLease();
            }
        }
    }

    // Pairs with what the silo checks: a descriptor of another length or layout would serve wrong bytes.
    private bool IsOurs(ResidencyLease lease) =>
        lease.LengthBytes == LengthBytes && lease.BlockSizeBytes == _node.Entry.BlockSizeBytes
        && lease.ResidentBlocks.Length <= (new BlockLayout(lease.BlockSizeBytes).CountFor(LengthBytes) + 7) / 8 + 8;

    private bool Install(LeasedFile lease)
    {
        LeasedFile? old;
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            old = _lease;
            _lease = lease;
        }

        Give(old);
        return true;
    }

    /// <summary>How asking for a lease ended.</summary>
    /// <param name="Status">Ok; NotFound: nothing is cached nor on its way; NotSupported: packed; CapabilityRequired; Unavailable: none now.</param>
    /// <param name="Lease">The lease, when Ok.</param>
    private readonly record struct LeaseAttempt(ReadStatus Status, LeasedFile? Lease);
}
