using System.Buffers;
using OrleansCache.Linux;

namespace OrleansCache.Cli.Transfer;

/// <summary>Moves a file's bytes to a stream.</summary>
internal static class FileCopy
{
    // Big enough that the round trip to a silo does not matter, small enough for the memory of a container.
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes the whole file.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="BrokenPipeException">The reader of a pipe has gone.</exception>
    public static async Task<long> WriteAsync(CachedFile file, Stream destination, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var at = 0L;
            while (true)
            {
                var bytes = await file.ReadAsync(at, buffer.AsMemory(0, BufferBytes), cancellationToken).ConfigureAwait(false);
                if (bytes == 0)
                {
                    return at;
                }

                await destination.WriteAsync(buffer.AsMemory(0, bytes), cancellationToken).ConfigureAwait(false);
                at += bytes;
            }
        }
        catch (IOException error) when (error.HResult == (int)Errno.BrokenPipe)
        {
            throw new BrokenPipeException(error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
