namespace OrleansCache.Reading;

/// <summary>
/// One file version, open for reading. Warm reads go straight to a leased descriptor; the rest through the data plane.
/// Thread-safe; reads never mix versions. Dispose gives the lease back.
/// </summary>
internal interface IFileReader : IDisposable
{
    /// <summary>Length of the version.</summary>
    long LengthBytes { get; }

    /// <summary>How much of the version is cached, in percent: what is known here, or what the silo says; 100 for an empty file.</summary>
    ValueTask<int> GetCachedPercentAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads without waiting and without allocating, when the whole range (cut at the end of the file) is known to be resident.
    /// </summary>
    /// <param name="offsetBytes">Offset; at or after the end reads 0 bytes.</param>
    /// <param name="destination">Filled from its start.</param>
    /// <param name="bytesRead">Bytes read; fewer than asked only at the end of the file.</param>
    /// <returns>False when the caller must use <see cref="ReadAsync"/>.</returns>
    bool TryRead(long offsetBytes, Span<byte> destination, out int bytesRead);

    /// <summary>Reads a range, waiting for what is missing.</summary>
    /// <returns>Ok with the number of bytes, fewer than asked only at the end of the file.</returns>
    ValueTask<FileReadOutcome> ReadAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken);
}
