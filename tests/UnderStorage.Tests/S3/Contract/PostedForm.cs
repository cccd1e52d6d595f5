using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Uploads as a browser does, with the key in the body: the one way that takes every key literally.</summary>
internal static class PostedForm
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    public static async Task PostAsync(
        (Uri Endpoint, string AccessKey, string SecretKey) server, string bucket, string key, byte[] bytes)
    {
        var now = DateTimeOffset.UtcNow;
        var (day, time) = (Text(now, "yyyyMMdd"), Text(now, "yyyyMMdd'T'HHmmss'Z'"));
        var credential = $"{server.AccessKey}/{day}/us-east-1/s3/aws4_request";
        var policy = Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(new
        {
            expiration = Text(now.AddHours(1), "yyyy-MM-dd'T'HH:mm:ss'Z'"),
            conditions = (object[])
            [
                (string[])["eq", "$bucket", bucket], (string[])["starts-with", "$key", ""], (string[])["eq", "$x-amz-algorithm", Algorithm],
                (string[])["eq", "$x-amz-credential", credential], (string[])["eq", "$x-amz-date", time],
            ],
        }));
        var signing = ((string[])[day, "us-east-1", "s3", "aws4_request", policy]).Aggregate(
            Encoding.UTF8.GetBytes("AWS4" + server.SecretKey),
            static (secret, part) => HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(part)));

        using var form = new MultipartFormDataContent("boundary");
        form.Headers.Remove("Content-Type");
        form.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=boundary");
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
        [
            ("key", key), ("x-amz-algorithm", Algorithm), ("x-amz-credential", credential), ("x-amz-date", time), ("policy", policy),
            ("x-amz-signature", Convert.ToHexStringLower(signing)),
        ])
        {
            var field = new ByteArrayContent(Encoding.UTF8.GetBytes(value));
            form.Add(field, $"\"{name}\"");
        }

        form.Add(new ByteArrayContent(bytes), "\"file\"", "\"file\"");
        using var http = new HttpClient();
        using var answer = await http.PostAsync(new Uri(server.Endpoint, bucket), form);
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static string Text(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);
}
