using System.Globalization;
using OrleansCache.BlockStore;
using OrleansCache.Files;

namespace OrleansCache.Bench.Policies;

/// <summary>
/// Stands before a store and writes down which blocks are used, in the form of <see cref="Trace"/>: a line per fill begun, and one per block
/// of a pinned range unless it is the block used last (a stream comes in many requests). The key is a hash of file and block.
/// </summary>
internal sealed class RecordingStore(IBlockStore store, TextWriter output) : IBlockStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<FileKey, FillRequest> _known = [];
    private ulong _last;

    public PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        var status = store.TryPin(file, offsetBytes, lengthBytes, out pin);
        lock (_gate)
        {
            if (status == PinStatus.Pinned && _known.TryGetValue(file, out var request))
            {
                var last = request.Layout.IndexOf(offsetBytes + lengthBytes - 1);
                for (var block = request.Layout.IndexOf(offsetBytes); block <= last; block++)
                {
                    Write(request with { BlockIndex = block });
                }
            }
        }

        return status;
    }

    public async ValueTask<FillAttempt> BeginFillAsync(FillRequest request, CancellationToken cancellationToken)
    {
        var attempt = await store.BeginFillAsync(request, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _known[request.File] = request;
            if (attempt.Status == FillStatus.Started)
            {
                Write(request);
            }
        }

        return attempt;
    }

    public FileResidency GetResidency(FileKey file) => store.GetResidency(file);

    public LeaseStatus TryLease(FileKey file, out ResidencyLease? lease) => store.TryLease(file, out lease);

    public ValueTask<bool> EnsureVerifiedAsync(
        FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        store.EnsureVerifiedAsync(file, offsetBytes, lengthBytes, cancellationToken);

    public void Doubt(FileKey file, long offsetBytes, int lengthBytes) => store.Doubt(file, offsetBytes, lengthBytes);

    public void Touch(FileKey file) => store.Touch(file);

    public void SetSource(SourceId source, SourceCaching caching) => store.SetSource(source, caching);

    public ValueTask DropAsync(FileKey file, CancellationToken cancellationToken) => store.DropAsync(file, cancellationToken);

    public ValueTask<int> DropSourceAsync(SourceId source, CancellationToken cancellationToken) =>
        store.DropSourceAsync(source, cancellationToken);

    public ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken) =>
        store.VerifyAsync(file, cancellationToken);

    public ValueTask SyncAsync(CancellationToken cancellationToken) => store.SyncAsync(cancellationToken);

    public BlockStoreStats GetStats() => store.GetStats();

    public IEnumerable<StoredFile> EnumerateFiles() => store.EnumerateFiles();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private void Write(FillRequest use)
    {
        var key = use.File.Low ^ (use.File.High * 0x9E37_79B9_7F4A_7C15) ^ ((ulong)use.BlockIndex * 0xD6E8_FEB8_6659_FD93);
        if (key != _last)
        {
            _last = key;
            var bytes = use.Layout.LengthOf(use.BlockIndex, use.FileLengthBytes);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{use.Source.Value:x} {key:x} {bytes}"));
        }
    }
}
