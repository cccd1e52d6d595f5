using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>Residency leases: the kernel's flock is the only record of them, so they outlive a kill -9 of the silo.</summary>
public sealed partial class DiskBlockStore
{
    /// <inheritdoc/>
    public LeaseStatus TryLease(FileKey file, out ResidencyLease? lease)
    {
        lease = null;
        if (!_files.TryGetValue(file, out var cached))
        {
            return _packed.GetResidency(file).IsComplete ? LeaseStatus.Packed : LeaseStatus.Missing;
        }

        if (cached.Removal is not null || TryOpenForPin(cached) is null)
        {
            return LeaseStatus.Missing;
        }

        if (_counters.UnlinkedOpenBytes > _options.UnlinkedOpenShareMax * _space.CapacityBytes)
        {
            return LeaseStatus.Refused;
        }

        // Opened by name and not by /proc/self/fd: the name is current as long as the file is not being removed, and that
        // is looked at again below, with the lock held.
        var descriptor = _io.TryOpen(cached.Path, OpenFlags.ReadOnly, out var errno);
        if (descriptor is null)
        {
            if (errno != FileSpace.NoSuchFile && !DiskErrors.IsShortOfDescriptors(errno))
            {
                LogOpenFailed(new LinuxFileException(errno, "open"), cached.Path);
            }

            return errno == FileSpace.NoSuchFile ? LeaseStatus.Missing : LeaseStatus.Refused;
        }

        var status = LeaseStatus.Busy;
        if (FileLock.TryLockShared(descriptor))
        {
            status = Complete(cached, descriptor, out lease);
        }

        if (status != LeaseStatus.Leased)
        {
            descriptor.Dispose();
        }

        return status;
    }

    private LeaseStatus Complete(
        CachedFile file, Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, out ResidencyLease? lease)
    {
        lease = null;
        FileResidency residency;
        bool isFilling;
        lock (file.Gate)
        {
            if (file.Removal is not null || _closing)
            {
                return LeaseStatus.Missing;
            }

            residency = file.Snapshot();
            isFilling = file.Fills.Count > 0;
        }

        // With the first block on its way a lease is worth having: what arrives under it is read from the file at once.
        if (residency.ResidentBlocks == 0 && !isFilling)
        {
            return LeaseStatus.Missing;
        }

        Touch(file, 0, file.Shape.BlockCount - 1);
        _counters.Leased();
        lease = new ResidencyLease(descriptor, residency, file.Generation);
        return LeaseStatus.Leased;
    }
}
