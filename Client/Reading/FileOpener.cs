using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Reading;

/// <summary>Opens files: finds or makes the shared file of a version and gets the right and the lease for it.</summary>
internal sealed class FileOpener(ReadServices services) : IFileOpener
{
    /// <inheritdoc/>
    public async ValueTask<OpenOutcome> OpenAsync(NodeEntry file, CancellationToken cancellationToken)
    {
        if (file.Kind != FileKind.File || file.Source is null)
        {
            return new OpenOutcome(
                file.Kind == FileKind.Directory ? ReadStatus.IsADirectory : ReadStatus.InvalidRequest, null);
        }

        var reader = new FileReader(services.Leases.Acquire(file, MakeFile), services);
        try
        {
            var (status, effort) = await reader.File.OpenAsync(cancellationToken).ConfigureAwait(false);
            if (status == ReadStatus.Ok)
            {
                services.Directories?.OnOpened(file);
                return new OpenOutcome(ReadStatus.Ok, reader);
            }

            reader.Dispose();
            return new OpenOutcome(status, null) { Effort = effort };
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private SharedFile MakeFile(NodeEntry node) => new(node, services);
}
