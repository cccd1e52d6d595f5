using Orleans.Concurrency;

namespace OrleansCache.Namespaces;

/// <summary>One directory of a source (key <see cref="DirectoryRef.GrainKey"/>): names, attributes, when last synced.</summary>
[Alias("IDirectoryGrain")]
public interface IDirectoryGrain : IGrainWithStringKey
{
    /// <summary>One name. An unknown name is an answer too, with a lease of its own.</summary>
    [Alias("Lookup"), AlwaysInterleave]
    ValueTask<LookupResult> Lookup(DirectoryRef self, string name, CancellationToken cancellationToken);

    /// <summary>One page of entries.</summary>
    /// <param name="self">This directory.</param>
    /// <param name="after"><see cref="DirectoryPage.Next"/> of the page before, or null for the first page.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("List"), AlwaysInterleave]
    ValueTask<DirectoryPage> List(DirectoryRef self, string? after, CancellationToken cancellationToken);

    /// <summary>Target of a symbolic link in this directory.</summary>
    [Alias("ReadLink"), AlwaysInterleave]
    ValueTask<LinkResult> ReadLink(DirectoryRef self, string name, CancellationToken cancellationToken);
}
