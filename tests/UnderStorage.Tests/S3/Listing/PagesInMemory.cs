using System.Text;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>How a store goes on after a common prefix.</summary>
public enum AfterPrefix
{
    /// <summary>Its keys are after it, so it comes again.</summary>
    Repeats,

    /// <summary>It is over.</summary>
    Skips,

    /// <summary>The driver names a key after all of them.</summary>
    IsPadded,
}

/// <summary>A bucket in memory that lists as the S3 reference says, in pages of random sizes.</summary>
internal sealed class PagesInMemory(IEnumerable<S3Object> objects, Random random, int minPage, int maxPage, AfterPrefix mode) : IS3Pages
{
    private S3Object[] _sorted = Sort(objects);

    public List<(string Prefix, string? StartAfter)> Requests { get; } = [];

    /// <summary>Changes the bucket before a page is given.</summary>
    public Func<IEnumerable<S3Object>>? Change { get; init; }

    public ValueTask<S3Page> ListAsync(
        string keyPrefix, bool delimited, string? startAfter, int maxKeys, CancellationToken cancellationToken)
    {
        Requests.Add((keyPrefix, startAfter));
        _sorted = Change is null ? _sorted : Sort(Change());
        var room = Math.Min(maxKeys, random.Next(minPage, maxPage + 1));
        var (objects, prefixes, last) = (new List<S3Object>(), new List<string>(), (string?)null);
        foreach (var one in _sorted.Where(one => one.Key.StartsWith(keyPrefix, StringComparison.Ordinal)))
        {
            var slash = delimited ? one.Key.IndexOf('/', keyPrefix.Length) : -1;
            var item = slash < 0 ? one.Key : one.Key[..(slash + 1)];
            var isSkipped = mode == AfterPrefix.Skips && slash >= 0 && item == startAfter;
            if (item == last || isSkipped || (startAfter is not null && CompareUtf8(one.Key, startAfter) <= 0))
            {
                continue;
            }

            if (objects.Count + prefixes.Count == room)
            {
                var after = last!.EndsWith('/') && prefixes.Count > 0 && prefixes[^1] == last && mode == AfterPrefix.IsPadded
                    ? S3KeyText.AfterAllOf(last)
                    : last;
                return ValueTask.FromResult(new S3Page(ReadStatus.Ok, objects, prefixes, true, after));
            }

            last = item;
            if (slash < 0)
            {
                objects.Add(one);
            }
            else
            {
                prefixes.Add(item);
            }
        }

        return ValueTask.FromResult(new S3Page(ReadStatus.Ok, objects, prefixes, false, null));
    }

    private static S3Object[] Sort(IEnumerable<S3Object> objects) =>
        [.. objects.OrderBy(one => Encoding.UTF8.GetBytes(one.Key), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];

    public static int CompareUtf8(string left, string right) =>
        Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right));
}
