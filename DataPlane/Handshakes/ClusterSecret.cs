using System.Text;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>The secret that silos and clients of a cluster share, from a file: its text without white space at both ends.</summary>
public static class ClusterSecret
{
    /// <summary>Shorter ones could be tried out by whoever has seen a handshake; 32 hexadecimal digits are random enough.</summary>
    public const int MinLengthBytes = 32;

    private const int MaxLengthBytes = 4096;

    /// <summary>Reads it.</summary>
    /// <exception cref="IOException">It cannot be read or is no secret; the message says what to do.</exception>
    public static byte[] Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot read the cluster secret: {exception.Message}", exception);
        }

        var secret = Encoding.UTF8.GetBytes(text);
        return secret.Length is >= MinLengthBytes and <= MaxLengthBytes
            ? secret
            : throw new IOException(
                $"the cluster secret in {path} is {secret.Length} bytes long instead of {MinLengthBytes} to {MaxLengthBytes}: "
                + "make one with `openssl rand -hex 32`");
    }
}
