using System.Text.Json;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Where a listing stands between two pages, as text, so that another process can go on. Open objects are beginnings of what was
/// seen last (nothing else sorts between a key and its prefix), so their lengths are enough.
/// </summary>
/// <param name="Format">Format of this text.</param>
/// <param name="Last">What was seen last in the directory, a prefix with its slash; null = nothing yet.</param>
/// <param name="After">Full key after which the store goes on.</param>
/// <param name="Open">Objects whose prefix may still come, the outermost first.</param>
internal sealed record ListingPoint(int Format, string? Last, string After, IReadOnlyList<ListingPoint.OpenAt> Open)
{
    /// <summary>The format written here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>An open object.</summary>
    /// <param name="Chars">Length of its key in the directory.</param>
    /// <param name="Late">The object when it is not yet given away.</param>
    internal sealed record OpenAt(int Chars, LateObject? Late);

    /// <summary>An object not yet given away.</summary>
    /// <param name="Length">Length.</param>
    /// <param name="Ticks">When it was made: UTC, in ticks.</param>
    /// <param name="ETag">ETag.</param>
    internal sealed record LateObject(long Length, long Ticks, string ETag);

    /// <summary>The point as text.</summary>
    public static string Write(string? last, string after, IEnumerable<OpenObject> open)
    {
        var objects = open.Select(static one => new OpenAt(
            one.Segment.Length,
            one.Late is { } late ? new LateObject(late.Length, late.LastModified.Ticks, late.ETag) : null));
        return JsonSerializer.Serialize(new ListingPoint(CurrentFormat, last, after, [.. objects]));
    }

    /// <summary>The point of a text.</summary>
    /// <exception cref="ArgumentException">The text is none of ours: list from the beginning.</exception>
    public static ListingPoint Read(string text, string keyPrefix)
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

        var isOurs = point is { Format: CurrentFormat, After: not null, Open: not null }
            && point.After.StartsWith(keyPrefix, StringComparison.Ordinal)
            && point.Open.All(open => open is not null && open.Chars >= 0 && open.Chars <= (point.Last?.Length ?? -1));
        return isOurs
            ? point!
            : throw new ArgumentException(
                "the listing cannot go on here: the place is of another directory or of another version", nameof(text));
    }

    /// <summary>The open objects, the outermost first.</summary>
    public IEnumerable<OpenObject> OpenObjects(string keyPrefix) => Open.Select(open =>
    {
        var segment = Last![..open.Chars];
        return new OpenObject(segment, open.Late is { } late
            ? new S3Object(keyPrefix + segment, late.Length, new DateTime(late.Ticks, DateTimeKind.Utc), late.ETag)
            : null);
    });
}
