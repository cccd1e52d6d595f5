using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OrleansCache.Fakes.S3;

namespace OrleansCache.Fakes.Ceph;

/// <summary>One request as the gateway's own access log tells it.</summary>
/// <param name="Operation">What it asked for; a copy counts as a put, for the log does not tell.</param>
/// <param name="Bucket">Bucket.</param>
/// <param name="Key">Key; for a listing its prefix.</param>
/// <param name="Range">The Range header, or null.</param>
/// <param name="Status">Status.</param>
/// <param name="Bytes">Bytes sent, headers not counted.</param>
/// <param name="UserAgent">Who asked.</param>
public sealed partial record GatewayRequest(
    S3Operation Operation, string Bucket, string Key, string? Range, int Status, long Bytes, string UserAgent)
{
    /// <summary>Parses a line of the access log; null for another line.</summary>
    internal static GatewayRequest? TryParse(string line)
    {
        if (Line().Match(line) is not { Success: true } match)
        {
            return null;
        }

        var target = S3Target.Parse(match.Groups["method"].Value, match.Groups["target"].Value, bucketOfHost: null, isCopy: false);
        var range = match.Groups["range"].Value;
        return new GatewayRequest(
            target.Operation, target.Bucket,
            target.Operation == S3Operation.ListObjects ? target.Parameter("prefix") ?? string.Empty : target.Key,
            range == "-" ? null : range,
            int.Parse(match.Groups["status"].Value, CultureInfo.InvariantCulture),
            long.Parse(match.Groups["bytes"].Value, CultureInfo.InvariantCulture),
            match.Groups["agent"].Value);
    }

    // beast: 0x7f: 127.0.0.1 - user [date] "GET /b/k?q HTTP/1.1" 206 10 - "agent" bytes=0-9 latency=0.001s
    [GeneratedRegex(
        """ beast: \S+: \S+ - \S+ \[[^\]]*\] "(?<method>\S+) (?<target>.*) HTTP/[0-9.]+" (?<status>\d+) (?<bytes>\d+) """
        + """(-|".*?") (-|"(?<agent>.*)") (?<range>\S*) latency=""",
        RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}

/// <summary>Reads the gateway's log from where it was reset. Not thread-safe.</summary>
internal sealed class GatewayLog(string path)
{
    /// <summary>A bucket nobody has: requests for it are ours.</summary>
    public const string MarkerBucket = "ocache-log-marker";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private readonly List<GatewayRequest> _requests = [];
    private readonly StringBuilder _line = new();
    private long _offset;
    private long _begun;
    private long _done;

    /// <summary>Forgets what was read.</summary>
    public void Reset() => _requests.Clear();

    /// <summary>Reads until the marker is there and every request that began has ended, then tells all but the markers.</summary>
    public async Task<IReadOnlyList<GatewayRequest>> ReadAsync(string marker, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.GetTimestamp();
        var marked = false;
        while (true)
        {
            marked |= Advance(marker);
            if (marked && _done >= _begun)
            {
                return [.. _requests];
            }

            if (Stopwatch.GetElapsedTime(clock) > Limit)
            {
                throw new TimeoutException($"{path}: {_begun - _done} requests have not ended, marker seen: {marked}");
            }

            await Task.Delay(Look, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool Advance(string marker)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(_offset, SeekOrigin.Begin);
        var buffer = new byte[64 * 1024];
        var marked = false;
        int read;
        while ((read = file.Read(buffer)) > 0)
        {
            _offset += read;
            foreach (var character in Encoding.Latin1.GetString(buffer, 0, read))
            {
                if (character != '\n')
                {
                    _line.Append(character);
                    continue;
                }

                marked |= Take(_line.ToString(), marker);
                _line.Clear();
            }
        }

        return marked;
    }

    private bool Take(string line, string marker)
    {
        if (line.Contains("====== starting new request", StringComparison.Ordinal))
        {
            _begun++;
        }
        else if (line.Contains(" ceph version ", StringComparison.Ordinal) && line.Contains("process radosgw", StringComparison.Ordinal))
        {
            _done = _begun; // A gateway that was killed took its unfinished requests along.
        }
        else if (GatewayRequest.TryParse(line) is { } request)
        {
            _done++;
            if (request.Bucket != MarkerBucket)
            {
                _requests.Add(request);
            }
        }

        return line.Contains(marker, StringComparison.Ordinal);
    }
}
