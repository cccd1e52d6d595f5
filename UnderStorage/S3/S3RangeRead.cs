using Amazon.S3.Model;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// One range of one version, from the first request to the last byte: one GET when nothing goes wrong, else another one for what
/// is missing. Every answer proves by its ETag, its Content-Range and its length that its bytes are that version's before any of
/// them is given away. Used once, by one caller.
/// </summary>
internal sealed class S3RangeRead
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private readonly S3Connection _connection;
    private readonly string _key;
    private readonly string _etag;
    private readonly long _totalBytes;
    private readonly long _offsetBytes;
    private readonly long _lengthBytes;
    private readonly Memory<byte> _room;
    private readonly IPieceSink? _sink;
    private long _doneBytes;
    private long _givenBytes;
    private long _givenAt;
    private bool _stopped;

    /// <summary>Describes it.</summary>
    /// <param name="connection">Sends requests.</param>
    /// <param name="key">Full key.</param>
    /// <param name="version">The version, with its ETag.</param>
    /// <param name="offsetBytes">Offset.</param>
    /// <param name="lengthBytes">Length, at least 1, inside the version.</param>
    /// <param name="room">Without a sink: the whole range's; with one: a piece's.</param>
    /// <param name="sink">Gets pieces as they arrive; null = they stay in the room.</param>
    public S3RangeRead(
        S3Connection connection, string key, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> room, IPieceSink? sink)
    {
        (_connection, _key, _etag, _totalBytes) = (connection, key, version.ETag!, version.LengthBytes);
        (_offsetBytes, _lengthBytes, _room, _sink) = (offsetBytes, lengthBytes, room, sink);
    }

    private bool IsDone => _stopped || _doneBytes == _lengthBytes;

    /// <summary>Reads it.</summary>
    public async ValueTask<ReadStatus> RunAsync(CancellationToken cancellationToken)
    {
        var plan = new RetryPlan(_connection.Random);
        while (true)
        {
            var wanted = _lengthBytes - _doneBytes;
            var pass = await _connection.Gate.EnterAsync(GateLane.Reads, wanted, cancellationToken).ConfigureAwait(false);
            if (pass.Answer != GateAnswer.Go)
            {
                return S3Failure.ToStatus(_connection.NotSent(pass).Verdict);
            }

            var (before, credentials) = (_doneBytes, _connection.CredentialsVersion);
            var failure = new S3Failure(S3Verdict.Cancelled, "defect", 0);
            var timing = new Timing();
            try
            {
                failure = await AttemptAsync(pass, timing, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (_connection.Read(exception, cancellationToken) is { } read)
            {
                failure = read;
            }
            finally
            {
                var got = _doneBytes - before;

                // A store that sends bytes is there, whatever happened to the rest.
                var forGate = got > 0 && failure.Verdict == S3Verdict.Unreachable ? S3Verdict.Ok : failure.Verdict;
                _connection.Gate.Leave(pass, forGate, timing.FirstByte, wanted - got);
                _connection.Traffic.Count(S3Operation.Get, failure.Verdict);
                _connection.Traffic.CountBytes(got);
            }

            if (failure.Verdict == S3Verdict.Ok)
            {
                return ReadStatus.Ok;
            }

            if (_doneBytes > before)
            {
                plan.Progressed();
            }

            var pause = plan.Next(failure.Verdict, () => _connection.Refresh(credentials));
            if (!await _connection.RetryAsync(pause, cancellationToken).ConfigureAwait(false))
            {
                return S3Failure.ToStatus(_connection.GiveUp(failure, S3Operation.Get, cancellationToken).Verdict);
            }
        }
    }

    private async ValueTask<S3Failure> AttemptAsync(GatePass pass, Timing timing, CancellationToken cancellationToken)
    {
        var (first, last) = (_offsetBytes + _doneBytes, _offsetBytes + _lengthBytes - 1);
        using var attempt = _connection.Begin(cancellationToken);
        using var answer = await _connection.Client.GetObjectAsync(
            new GetObjectRequest
            {
                BucketName = _connection.Uri.Bucket,
                Key = S3KeyText.ForSdk(_key),
                ByteRange = new ByteRange(first, last),
                EtagToMatch = _etag.StartsWith("W/", StringComparison.Ordinal) ? _etag : $"\"{_etag}\"",
            },
            attempt.Token).ConfigureAwait(false);
        timing.FirstByte = _connection.Time.GetElapsedTime(pass.SentAt);
        var failure = Check(answer, first, last);
        if (failure.Verdict != S3Verdict.Ok)
        {
            return failure;
        }

        for (var isFirst = true; !IsDone; isFirst = false)
        {
            attempt.Progressed();
            var got = await answer.ResponseStream.ReadAsync(NextRoom(), attempt.Token).ConfigureAwait(false);
            if (got == 0)
            {
                return new S3Failure(S3Verdict.Unreachable, "body cut off", 0);
            }

            if (isFirst)
            {
                _connection.Gate.Answered(pass);
            }

            _doneBytes += got;
            GiveWhenWorthIt();
        }

        // Without Content-Length only the end shows that there is no more; it also gives the connection back for the next read.
        return _stopped || answer.ContentLength > 0
            || await answer.ResponseStream.ReadAsync(new byte[1], attempt.Token).ConfigureAwait(false) == 0
            ? failure : new S3Failure(S3Verdict.Refused, "more bytes than asked for", (int)answer.HttpStatusCode);
    }

    /// <summary>Whether the bytes that will come are exactly those asked for.</summary>
    private S3Failure Check(GetObjectResponse answer, long first, long last)
    {
        var status = (int)answer.HttpStatusCode;
        if (S3Metadata.VersionOf(0, default, answer.ETag).ETag != _etag)
        {
            return new S3Failure(S3Verdict.Changed, "other ETag", status);
        }

        var isWhole = string.IsNullOrEmpty(answer.ContentRange) && first == 0 && last == _totalBytes - 1 && answer.ContentLength > 0;
        var range = new ContentRange(0, _totalBytes - 1, isWhole ? answer.ContentLength : 0);
        if (!isWhole && !ContentRange.TryParse(answer.ContentRange, out range))
        {
            return new S3Failure(S3Verdict.Refused, "no range", status);
        }

        return range.Total != _totalBytes ? new S3Failure(S3Verdict.Changed, "other length", status)
            : range.First != first || range.Last != last ? new S3Failure(S3Verdict.Refused, "other range", status)
            : answer.ContentLength > 0 && answer.ContentLength != last - first + 1
                ? new S3Failure(S3Verdict.Refused, "length and range differ", status)
            : new S3Failure(S3Verdict.Ok, "", status);
    }

    /// <summary>What is not given away yet keeps its place, also over another attempt.</summary>
    private Memory<byte> NextRoom() =>
        _room[(int)(_doneBytes - _givenBytes)..(int)Math.Min(_room.Length, _lengthBytes - _givenBytes)];

    /// <summary>
    /// The first bytes go at once, the others when the room is full: a socket gives some 30 KiB at a time, and a write to the
    /// cache file for each of them costs more than the network. What trickles goes every second, as a sign of life.
    /// </summary>
    private void GiveWhenWorthIt()
    {
        var held = (int)(_doneBytes - _givenBytes);
        if (_sink is null || (_givenBytes > 0 && held < _room.Length && _doneBytes < _lengthBytes
            && _connection.Time.GetElapsedTime(_givenAt) < Patience))
        {
            return;
        }

        _stopped = !_sink.Accept(_room.Span[..held]);
        _givenBytes = _doneBytes;
        _givenAt = _connection.Time.GetTimestamp();
    }

    /// <summary>What an attempt that fails has found out before.</summary>
    private sealed class Timing
    {
        public TimeSpan? FirstByte { get; set; }
    }
}
