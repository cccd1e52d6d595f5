using System.Globalization;
using System.Text;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.S3;

/// <summary>One option of <c>s3://</c> sources: how it is written, read, and what is said about a mistake.</summary>
/// <param name="Name">Name as typed.</param>
/// <param name="Default">Default, as docs/CONTRACT.md has it.</param>
/// <param name="Values">What may be given; part of the message about a mistake.</param>
/// <param name="Apply">The options with this one set; null when the value does not fit.</param>
internal sealed record S3Option(string Name, string Default, string Values, Func<S3Options, string, S3Options?> Apply)
{
    private const long MaxBytesPerSecond = 1L << 40;

    private static readonly string[] Secrets =
    [
        "access-key", "access-key-id", "secret-key", "secret-access-key", "secret", "session-token", "token", "password",
        "aws-access-key-id", "aws-secret-access-key", "aws-session-token", "proxy-password", "credentials",
    ];

    /// <summary>All there are.</summary>
    public static IReadOnlyList<S3Option> All { get; } =
    [
        new("endpoint", "AWS", "http:// or https:// with a host and perhaps a port, no user and no path",
            (options, value) => ServerOf(value) is { } server ? options with { Endpoint = server } : null),
        new("region", "the environment's or the profile's", "a region's name, such as eu-central-1",
            (options, value) => IsRegion(value) ? options with { Region = value } : null),
        new("path-style", "true with an endpoint", "true or false",
            (options, value) => Flag(value) is { } on ? options with { PathStyle = on } : null),
        new("checksum", "when-required with an endpoint", "when-required or when-supported", (options, value) => value switch
        {
            "when-required" => options with { Checksums = S3Checksums.WhenRequired },
            "when-supported" => options with { Checksums = S3Checksums.WhenSupported },
            _ => null,
        }),
        new("profile", "the environment's", "a name in the credentials file",
            (options, value) => IsWord(value) ? options with { Profile = value } : null),
        new("credentials-file", "the standard chain", "an absolute path on the silo's machine",
            (options, value) => IsPath(value) ? options with { CredentialsFile = value } : null),
        new("anonymous", "false", "true or false",
            (options, value) => Flag(value) is { } on ? options with { Anonymous = on } : null),
        new("requests-per-second", "unlimited", "0.1 to 1000000",
            (options, value) => Number(value, 0.1, 1e6) is { } rate ? options with { RequestsPerSecond = rate } : null),
        new("bytes-per-second", "unlimited", "64KiB to 1TiB, such as 150MiB",
            (options, value) => Bytes(value) is { } rate ? options with { BytesPerSecond = rate } : null),
        new("concurrency", "64", "1 to 1024",
            (options, value) => Whole(value, 1, 1024) is { } most ? options with { Concurrency = (int)most } : null),
        new("proxy", "the environment's", "http:// with a host and a port, no user",
            (options, value) => ServerOf(value) is { } server ? options with { Proxy = server } : null),
        new("ca-file", "the system's", "an absolute path on the silo's machine (PEM)",
            (options, value) => IsPath(value) ? options with { CaFile = value } : null),
        new("client-cert", "none", "an absolute path on the silo's machine (PEM)",
            (options, value) => IsPath(value) ? options with { ClientCertificate = value } : null),
        new("client-key", "in client-cert", "an absolute path on the silo's machine (PEM)",
            (options, value) => IsPath(value) ? options with { ClientKey = value } : null),
        new("uid", "0", "0 to 4294967294",
            (options, value) => Whole(value, 0, uint.MaxValue - 1) is { } id ? options with { Uid = (uint)id } : null),
        new("gid", "0", "0 to 4294967294",
            (options, value) => Whole(value, 0, uint.MaxValue - 1) is { } id ? options with { Gid = (uint)id } : null),
        new("file-mode", "0644", "octal permission bits from 0 to 0777",
            (options, value) => Mode(value) is { } mode ? options with { FileMode = mode } : null),
        new("dir-mode", "0755", "octal permission bits from 0 to 0777",
            (options, value) => Mode(value) is { } mode ? options with { DirectoryMode = mode } : null),
        new("timeout", "10s", "100ms to 10m, in ms, s or m",
            (options, value) => Duration(value) is { } time ? options with { Timeout = time } : null),
        new("probe", "true", "true or false",
            (options, value) => Flag(value) is { } on ? options with { Probe = on } : null),
    ];

    /// <summary>Reads the options of one source.</summary>
    /// <exception cref="CacheRequestException">One is unknown, out of range, a secret, or does not go with another.</exception>
    public static S3Options Parse(IEnumerable<DriverOption> given)
    {
        var options = new S3Options();
        foreach (var (name, value) in given.Select(one => (one.Name, one.Value)))
        {
            if (Secrets.Contains(name.Replace('_', '-').ToLowerInvariant(), StringComparer.Ordinal))
            {
                throw Refuse($"'{name}' is a secret, which would be seen in command lines and tables. Put credentials into the "
                    + "silo's environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or into a file on its machine (option credentials-file).");
            }

            var option = All.FirstOrDefault(one => one.Name == name) ?? throw Refuse(
                $"there is no option '{name}' for s3:// sources. There are: {string.Join(", ", All.Select(one => one.Name))}.");

            // What stands in a URL may be a secret: its value is not repeated.
            var shown = value.Contains('@', StringComparison.Ordinal) ? "with a user" : $"'{value}'";
            options = option.Apply(options, value) ?? throw Refuse($"{name} {shown} is not usable. Give {option.Values}.");
        }

        return Checked(options);
    }

    private static S3Options Checked(S3Options options) =>
        options.Anonymous && (options.Profile ?? options.CredentialsFile) is not null
            ? throw Refuse("anonymous=true does not go with profile or credentials-file. Leave one of them out.")
        : options.ClientKey is not null && options.ClientCertificate is null
            ? throw Refuse("client-key needs client-cert. Give the certificate too.")
        : options.Endpoint is { Scheme: "http" } && (options.CaFile ?? options.ClientCertificate) is not null
            ? throw Refuse("ca-file and client-cert are for https:// endpoints. Leave them out or change the endpoint.")
        : options;

    private static Uri? ServerOf(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
        && uri.UserInfo.Length == 0 && uri.AbsolutePath is "/" or "" && uri.Query.Length == 0 && uri.Fragment.Length == 0
        && !value.Contains('@', StringComparison.Ordinal) ? uri : null;

    private static bool IsRegion(string value) =>
        value.Length is > 0 and <= 64 && value.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_');

    private static bool IsWord(string value) => value.Length is > 0 and <= 255 && !value.Any(char.IsControl);

    private static bool IsPath(string value) =>
        value.StartsWith('/') && !value.Any(char.IsControl) && Encoding.UTF8.GetByteCount(value) < 4096;

    private static bool? Flag(string value) => value switch { "true" => true, "false" => false, _ => null };

    private static double? Number(string value, double least, double most) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
        && number >= least && number <= most ? number : null;

    private static long? Whole(string value, long least, long most) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least && number <= most ? number : null;

    private static double? Bytes(string value)
    {
        ReadOnlySpan<(string Suffix, long Unit)> units = [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("", 1)];
        foreach (var (suffix, unit) in units)
        {
            if (value.EndsWith(suffix, StringComparison.Ordinal))
            {
                return Number(value[..^suffix.Length], 0, (double)MaxBytesPerSecond / unit) is { } count
                    && count * unit >= 64 << 10 ? count * unit : null;
            }
        }

        return null;
    }

    private static uint? Mode(string value)
    {
        var mode = 0u;
        foreach (var digit in value)
        {
            if (digit is < '0' or > '7' || value.Length > 4)
            {
                return null;
            }

            mode = (mode << 3) | (uint)(digit - '0');
        }

        return value.Length > 0 && mode <= 0x1FF ? mode : null;
    }

    private static TimeSpan? Duration(string value)
    {
        var digits = value.AsSpan().TrimEnd("ms");
        var unit = value[digits.Length..] switch { "ms" => 0.001, "s" => 1, "m" => 60, _ => double.NaN };
        return Number(digits.ToString(), 0, 600_000) * unit is { } seconds and >= 0.1 and <= 600 ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static CacheRequestException Refuse(string message) => new(RequestError.InvalidArgument, message);
}
