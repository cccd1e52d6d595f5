using System.Text.Json;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Where a listing stands, as text, so that another process can go on. It stands behind the last entry given away, so whoever goes on
/// there, even much later, asks for everything behind it anew: nothing of what the store said is in here. Open objects are beginnings
/// of that entry's position (nothing else sorts between a key and its prefix), so their lengths are enough.
/// </summary>
/// <param name="Format">Format of this text.</param>
/// <param name="Last">Position of the last entry given away.</param>
/// <param name="Given">Lengths of the open objects that were given away, the outermost first.</param>
/// <param name="Late">Lengths of the open objects still to be given away, the outermost first.</param>
internal sealed record ListingPoint(int Format, string Last, IReadOnlyList<int> Given, IReadOnlyList<int> Late)
{
    /// <summary>The format written here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Each costs whoever goes on a request. More than one or two are there only when somebody wants them to be.</summary>
    private const int MaxLate = 8;

    /// <summary>The point as text; null when going on there would take too many requests.</summary>
    public static string? TryWrite(string last, IEnumerable<OpenObject> open)
    {
        var (given, late) = (new List<int>(), new List<int>());
        foreach (var one in open.Reverse())
        {
            (one.Late is null ? given : late).Add(one.Segment.Length);
        }

        return late.Count > MaxLate ? null : JsonSerializer.Serialize(new ListingPoint(CurrentFormat, last, given, late));
    }

    /// <summary>The point of a text.</summary>
    /// <exception cref="ArgumentException">The text is none of ours: list from the beginning.</exception>
    public static ListingPoint Read(string text)
    {
        ListingPoint? point;
        try
        {
            point = JsonSerializer.Deserialize<ListingPoint>(text);
        }
        catch (JsonException error)
        {
            throw new ArgumentException("the listing cannot go on here: the place is not one that a listing gave", nameof(text), error);
        }

        var isOurs = point is { Format: CurrentFormat, Last.Length: > 0, Given: not null, Late.Count: <= MaxLate }
            && point.Given.Concat(point.Late).All(length => length >= 0 && length <= point.Last.Length);
        return isOurs
            ? point!
            : throw new ArgumentException("the listing cannot go on here: the place is of another version", nameof(text));
    }
}
