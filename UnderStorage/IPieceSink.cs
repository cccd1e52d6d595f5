namespace OrleansCache.UnderStorage;

/// <summary>Takes the pieces of a range as they arrive, in order and without gaps.</summary>
public interface IPieceSink
{
    /// <summary>Takes the next bytes; they are the caller's again when this returns.</summary>
    /// <returns>False when no more are wanted: the read then ends at once with <see cref="Files.ReadStatus.Ok"/>.</returns>
    bool Accept(ReadOnlySpan<byte> piece);
}
