namespace OrleansCache.Metadata;

/// <summary>What is known of directories without asking anybody. Thread-safe.</summary>
internal interface IListedDirectories
{
    /// <summary>The directory a file was last seen in, or null.</summary>
    NodeEntry? DirectoryOf(NodeEntry file);

    /// <summary>A page of a listing, if its lease lives.</summary>
    bool TryGetPage(NodeEntry directory, string? after, out ListOutcome page);
}
