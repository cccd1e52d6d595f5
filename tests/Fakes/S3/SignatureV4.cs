using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansCache.Fakes.S3;

/// <summary>
/// Checks AWS Signature Version 4, in the Authorization header or in the query (presigned). What it returns signs the
/// chunks of a streamed body.
/// </summary>
internal sealed class SignatureV4
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(15);

    private readonly byte[] _key;
    private readonly string _date;
    private readonly string _scope;
    private string _previous;

    private SignatureV4(byte[] key, string date, string scope, string signature) =>
        (_key, _date, _scope, _previous) = (key, date, scope, signature);

    /// <summary>Throws unless the request is signed by a known key; null when it is not signed at all.</summary>
    public static SignatureV4? Check(S3Request request, Func<string, (string Secret, string? Token)?> secretOf, DateTimeOffset now)
    {
        var authorization = request.Header("Authorization");
        if (authorization is null)
        {
            return request.Parameter("X-Amz-Signature") is null ? null : CheckPresigned(request, secretOf, now);
        }

        if (!authorization.StartsWith(Algorithm + " ", StringComparison.Ordinal))
        {
            throw new S3Failure(400, "InvalidRequest", "Please use AWS4-HMAC-SHA256.");
        }

        var fields = authorization[(Algorithm.Length + 1)..].Split(',', StringSplitOptions.TrimEntries)
            .Select(field => field.Split('=', 2)).Where(field => field.Length == 2).ToDictionary(field => field[0], field => field[1]);
        if (!fields.TryGetValue("Credential", out var credential) || !fields.TryGetValue("SignedHeaders", out var signed)
            || !fields.TryGetValue("Signature", out var signature) || request.Header("x-amz-date") is not { } date)
        {
            throw new S3Failure(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.");
        }

        if ((ParseDate(date) - now).Duration() > MaxSkew)
        {
            throw new S3Failure(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.");
        }

        if (!signed.Split(';').Contains("host"))
        {
            throw S3Failure.AccessDenied("The host header must be signed.");
        }

        var payload = request.Header("x-amz-content-sha256")
            ?? throw new S3Failure(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
        return Verify(request, new Claim(credential, signed, signature, date, payload, request.Header("x-amz-security-token")), secretOf);
    }

    /// <summary>Checks the signature of one chunk; chunks are chained.</summary>
    public void CheckChunk(string signature, ReadOnlySpan<byte> chunk) => CheckNext(signature, string.Join(
        '\n', Algorithm + "-PAYLOAD", _date, _scope, _previous, HashOf([]), HashOf(chunk)));

    /// <summary>Checks the signature of the trailers, given as <c>name:value\n</c> lines.</summary>
    public void CheckTrailer(string signature, string trailers) => CheckNext(signature, string.Join(
        '\n', Algorithm + "-TRAILER", _date, _scope, _previous, HashOf(Encoding.UTF8.GetBytes(trailers))));

    private static SignatureV4 CheckPresigned(
        S3Request request, Func<string, (string Secret, string? Token)?> secretOf, DateTimeOffset now)
    {
        var date = request.NeedParameter("X-Amz-Date");
        var seconds = int.Parse(request.NeedParameter("X-Amz-Expires"), CultureInfo.InvariantCulture);
        if (now > ParseDate(date).AddSeconds(seconds))
        {
            throw S3Failure.AccessDenied("Request has expired");
        }

        var claim = new Claim(
            request.NeedParameter("X-Amz-Credential"), request.NeedParameter("X-Amz-SignedHeaders"),
            request.NeedParameter("X-Amz-Signature"), date, "UNSIGNED-PAYLOAD", request.Parameter("X-Amz-Security-Token"));
        return Verify(request, claim, secretOf);
    }

    private static SignatureV4 Verify(S3Request request, Claim claim, Func<string, (string Secret, string? Token)?> secretOf)
    {
        var scope = claim.Credential.Split('/');
        if (scope.Length != 5 || scope[3] != "s3" || scope[4] != "aws4_request" || !claim.Date.StartsWith(scope[1], StringComparison.Ordinal))
        {
            throw new S3Failure(400, "AuthorizationHeaderMalformed", "The credential is malformed.");
        }

        if (secretOf(scope[0]) is not { } known)
        {
            throw new S3Failure(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
        }

        if (known.Token != claim.Token)
        {
            throw new S3Failure(403, "InvalidToken", "The provided token is malformed or otherwise invalid.");
        }

        var key = Encoding.UTF8.GetBytes("AWS4" + known.Secret);
        foreach (var part in scope[1..])
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        var scopeText = string.Join('/', scope[1..]);
        var toSign = string.Join('\n', Algorithm, claim.Date, scopeText, HashOf(Encoding.UTF8.GetBytes(Canonical(request, claim))));
        if (Sign(key, toSign) != claim.Signature)
        {
            throw Mismatch();
        }

        return new SignatureV4(key, claim.Date, scopeText, claim.Signature);
    }

    private static string Canonical(S3Request request, Claim claim)
    {
        var query = request.Query.Where(pair => pair.Key != "X-Amz-Signature")
            .Select(pair => (Name: ObjectKey.UrlEncode(pair.Key, false), Value: ObjectKey.UrlEncode(pair.Value, false)))
            .OrderBy(pair => pair.Name, StringComparer.Ordinal).ThenBy(pair => pair.Value, StringComparer.Ordinal)
            .Select(pair => $"{pair.Name}={pair.Value}");
        var headers = claim.SignedHeaders.Split(';')
            .Select(name => $"{name}:{Collapse(request.Header(name) ?? string.Empty)}\n");
        return string.Join(
            '\n', request.Context.Request.Method, ObjectKey.UrlEncode(ObjectKey.UrlDecode(request.RawPath), true),
            string.Join('&', query), string.Concat(headers), claim.SignedHeaders, claim.PayloadHash);
    }

    private static string Collapse(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static DateTimeOffset ParseDate(string text) =>
        DateTimeOffset.TryParseExact(text, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : throw S3Failure.AccessDenied("The date is malformed.");

    private static string Sign(byte[] key, string text) => FakeObject.Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));

    private static string HashOf(ReadOnlySpan<byte> bytes) => FakeObject.Hex(SHA256.HashData(bytes));

    private static S3Failure Mismatch() => new(
        403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.");

    private void CheckNext(string signature, string toSign)
    {
        if (Sign(_key, toSign) != signature)
        {
            throw Mismatch();
        }

        _previous = signature;
    }

    private sealed record Claim(
        string Credential, string SignedHeaders, string Signature, string Date, string PayloadHash, string? Token);
}
