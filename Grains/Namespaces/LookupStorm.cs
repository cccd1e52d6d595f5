namespace OrleansCache.Grains.Namespaces;

/// <summary>
/// Decides when single questions in one directory become too many. Past <see cref="FreeQuestions"/> in a sync interval the
/// directory is listed, and each part listed allows as many questions again for names not listed yet. So a storm of lookups costs at
/// most 16 + 17 x (parts of the directory) requests in each sync interval, however many names are asked for and by whom.
/// </summary>
internal sealed class LookupStorm(DirectoryServices services)
{
    /// <summary>A loader that opens a few files must not list a million names; a thousand lookups are dearer than one list request.</summary>
    public const int FreeQuestions = 16;

    /// <summary>With <c>never</c>, listing that did not work is tried again after this.</summary>
    private static readonly TimeSpan LongestWindow = TimeSpan.FromSeconds(60);

    private int _left = FreeQuestions;
    private long? _since;

    /// <summary>Whether listing did not work lately: then single questions are all there is.</summary>
    public bool CannotList { get; set; }

    /// <summary>Takes one question.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TryAsk(TimeSpan interval)
    {
        var window = interval == Timeout.InfiniteTimeSpan ? LongestWindow : interval;
        if (_since is not { } since || services.Time.GetElapsedTime(since) >= window)
        {
            (_since, _left, CannotList) = (services.Time.GetTimestamp(), FreeQuestions, false);
        }

        return CannotList || _left-- > 0;
    }

    /// <summary>A part of the directory was listed.</summary>
    public void PartListed() => _left = FreeQuestions;
}
