namespace OrleansCache;

/// <summary>A file is longer than the operation reads in one piece.</summary>
public sealed class FileTooLargeException : CacheClientException
{
    internal FileTooLargeException(string path, long lengthBytes, long maxBytes)
        : base(
            $"{path} has {lengthBytes} bytes, more than the {maxBytes} that are read in one piece",
            "open it and read it in pieces, or allow more with ReadManyOptions.MaxFileBytes",
            default,
            null) => (Path, LengthBytes, MaxBytes) = (path, lengthBytes, maxBytes);

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The file's length.</summary>
    public long LengthBytes { get; }

    /// <summary>What was allowed.</summary>
    public long MaxBytes { get; }
}
