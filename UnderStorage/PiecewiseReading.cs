using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>Cut-through for stores that are asked piece by piece.</summary>
internal static class PiecewiseReading
{
    /// <summary>The first piece is shorter than the others: somebody waits for it.</summary>
    public const int FirstPieceBytes = 256 * 1024;

    /// <summary><see cref="IUnderStorage.StreamAsync"/> by <see cref="IUnderStorage.ReadAsync"/> of a buffer at a time.</summary>
    public static async ValueTask<ReadStatus> StreamByPiecesAsync(
        this IUnderStorage storage, string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes,
        Memory<byte> buffer, IPieceSink sink, CancellationToken cancellationToken)
    {
        var pieceBytes = Math.Min(buffer.Length, FirstPieceBytes);
        for (var end = offsetBytes + lengthBytes; offsetBytes < end; pieceBytes = buffer.Length)
        {
            var piece = buffer[..(int)Math.Min(pieceBytes, end - offsetBytes)];
            var status = await storage.ReadAsync(path, file, version, offsetBytes, piece, cancellationToken).ConfigureAwait(false);
            if (status != ReadStatus.Ok || !sink.Accept(piece.Span))
            {
                return status;
            }

            offsetBytes += piece.Length;
        }

        return ReadStatus.Ok;
    }
}
