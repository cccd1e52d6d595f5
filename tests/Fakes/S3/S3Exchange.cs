using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace OrleansCache.Fakes.S3;

/// <summary>One request with its log entry and its troubles; knows how to answer.</summary>
internal sealed class S3Exchange(S3Request request, LoggedRequest logged, Trouble? trouble, FakeObjectLookup lookup)
{
    private const int ChunkBytes = 128 * 1024;
    private const int ThrottledChunkBytes = 4 * 1024;

    public S3Request Request => request;

    public Trouble? Trouble => trouble;

    public HttpResponse Response => request.Context.Response;

    /// <summary>Ends when the client left or the store stops.</summary>
    public CancellationToken Aborted => request.Context.RequestAborted;

    public bool IsHead => request.Context.Request.Method == "HEAD";

    /// <summary>An answer without a body.</summary>
    public void Answer(int status)
    {
        Response.StatusCode = logged.Status = status;
        if (status != StatusCodes.Status204NoContent && status != StatusCodes.Status304NotModified)
        {
            Response.ContentLength = 0;
        }
    }

    /// <summary>A document.</summary>
    public async Task AnswerAsync(int status, byte[] xml)
    {
        Response.ContentType = "application/xml";
        await SendAsync(status, ObjectContent.Of(xml), 0, xml.Length).ConfigureAwait(false);
    }

    public async Task FailAsync(S3Failure failure)
    {
        if (Response.HasStarted)
        {
            request.Context.Abort();
            return;
        }

        Response.Headers.Clear();
        foreach (var (name, value) in failure.Headers)
        {
            Response.Headers[name] = value;
        }

        await AnswerAsync(failure.Status, S3Xml.Error(failure, $"/{request.Bucket}/{request.Key}")).ConfigureAwait(false);
    }

    public async Task<byte[]> ReadBodyAsync(SignatureV4? signature) =>
        (await ReadBodyWithChecksumsAsync(signature).ConfigureAwait(false)).Bytes;

    public async Task<(byte[] Bytes, Dictionary<string, string> Checksums)> ReadBodyWithChecksumsAsync(SignatureV4? signature)
    {
        var body = await RequestBody.ReadAsync(request, signature, Aborted).ConfigureAwait(false);
        logged.BytesReceived = body.Bytes.Length;
        return body;
    }

    /// <summary>Sends a range of a content, as fast and as whole as the troubles let it.</summary>
    public async Task SendAsync(int status, ObjectContent content, long offset, long length)
    {
        Response.StatusCode = logged.Status = status;
        Response.ContentLength = length;
        if (IsHead)
        {
            return;
        }

        var clock = Stopwatch.GetTimestamp();
        var sent = 0L;
        while (sent < length)
        {
            await StumbleAsync(sent).ConfigureAwait(false);
            if (trouble?.MidRead is { MixVersions: true } mixing && sent >= mixing.MidReadAfter)
            {
                content = lookup(request.Bucket, request.Key)?.Content ?? content;
            }

            var count = (int)Math.Min(Until(sent), length - sent);
            Fill(content, offset + sent, count);
            sent += count;
            logged.BytesSent += count;
            await Response.BodyWriter.FlushAsync(Aborted).ConfigureAwait(false);
            await ThrottleAsync(clock, sent).ConfigureAwait(false);
        }
    }

    private void Fill(ObjectContent content, long offset, int count)
    {
        var memory = Response.BodyWriter.GetSpan(count)[..count];
        var readable = Math.Clamp(content.Length - offset, 0, count); // A mixed-in version may be shorter.
        content.Read(offset, memory[..(int)readable]);
        memory[(int)readable..].Clear();
        Response.BodyWriter.Advance(count);
    }

    /// <summary>How much goes out in one piece before the next event.</summary>
    private long Until(long sent)
    {
        var next = trouble?.BytesPerSecond is null ? ChunkBytes : (long)ThrottledChunkBytes;
        foreach (var mark in (long?[])[trouble?.TruncateAfter, trouble?.HangAfter, trouble?.MidRead?.MidReadAfter])
        {
            next = mark > sent ? Math.Min(next, mark.Value - sent) : next;
        }

        return next;
    }

    private async Task StumbleAsync(long sent)
    {
        if (trouble is null)
        {
            return;
        }

        if (trouble.MidRead is { } middle && sent == middle.MidReadAfter)
        {
            middle.MidRead!();
        }

        if (trouble.HangAfter == sent)
        {
            await Response.BodyWriter.FlushAsync(Aborted).ConfigureAwait(false);
            await trouble.HangAsync(Aborted).ConfigureAwait(false);
            throw new ConnectionCutException();
        }

        if (trouble.TruncateAfter == sent)
        {
            await Response.BodyWriter.FlushAsync(Aborted).ConfigureAwait(false);
            throw new ConnectionCutException();
        }
    }

    private async Task ThrottleAsync(long clock, long sent)
    {
        if (trouble?.BytesPerSecond is { } rate)
        {
            var ahead = TimeSpan.FromSeconds((double)sent / rate) - Stopwatch.GetElapsedTime(clock);
            if (ahead > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(ahead, TimeProvider.System, Aborted).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The Content-Range of an answer, or a wrong one.</summary>
    public string ContentRange(long offset, long length, long total)
    {
        var shift = trouble?.WrongContentRange == true ? 1 : 0;
        return string.Create(CultureInfo.InvariantCulture, $"bytes {offset + shift}-{offset + length - 1 + shift}/{total}");
    }
}

/// <summary>The current version of an object, or null.</summary>
internal delegate FakeObject? FakeObjectLookup(string bucket, string key);

/// <summary>The connection shall be cut now.</summary>
internal sealed class ConnectionCutException : Exception;
