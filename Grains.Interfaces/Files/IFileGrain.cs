namespace OrleansCache.Files;

/// <summary>
/// One file (key: <c>source/fileid</c>): its current version, later also overlay, write lease and staging state.
/// Reading a file without overlay needs no activation of it: directory snapshots carry what an open needs.
/// </summary>
[Alias("IFileGrain")]
public interface IFileGrain : IGrainWithStringKey
{
    /// <summary>
    /// Asks the under storage now, past every cache: what <c>sync=always</c> opens and <c>ocache stat</c> use.
    /// </summary>
    /// <param name="source">The source the file lies in.</param>
    /// <param name="path">Where the caller last saw it, inside the source.</param>
    /// <param name="cancellationToken">Ends the wait, not the question.</param>
    [Alias("Revalidate")]
    ValueTask<FileStatus> Revalidate(SourceId source, string path, CancellationToken cancellationToken);
}
