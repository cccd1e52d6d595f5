using System.Globalization;
using System.Text;

namespace OrleansCache.Fuse.Mounting;

/// <summary>One line of /proc/self/mountinfo.</summary>
/// <param name="DeviceMajor">Of st_dev.</param>
/// <param name="DeviceMinor">Of st_dev; for FUSE also the number of the connection.</param>
/// <param name="Path">The mount point.</param>
/// <param name="FileSystemType">With subtype, like fuse.ocache.</param>
/// <param name="Source">What was mounted.</param>
/// <param name="Options">Options of this mount.</param>
internal readonly record struct MountEntry(
    uint DeviceMajor, uint DeviceMinor, string Path, string FileSystemType, string Source, string Options)
{
    public bool IsOurs => FileSystemType == FuseMountOptions.FileSystemType;
}

/// <summary>The mounts this process sees, in mount order: of several at one path the last is on top.</summary>
internal static class MountTable
{
    private const string MountInfoPath = "/proc/self/mountinfo";

    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadAllText(MountInfoPath));

    /// <summary>The file system on top of a path that is a mount point, or null.</summary>
    public static MountEntry? Find(string path)
    {
        MountEntry? found = null;
        foreach (var entry in Read())
        {
            found = entry.Path == path ? entry : found;
        }

        return found;
    }

    /// <summary>Parses mountinfo; lines of another shape are left out.</summary>
    public static IReadOnlyList<MountEntry> Parse(string text)
    {
        var entries = new List<MountEntry>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (TryParseLine(line, out var entry))
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    /// <summary>Undoes the octal escapes (\040 for a space) of a field, byte by byte.</summary>
    public static string Decode(string field)
    {
        if (!field.Contains('\\'))
        {
            return field;
        }

        var bytes = Encoding.UTF8.GetBytes(field);
        var length = 0;
        for (var index = 0; index < bytes.Length; index++)
        {
            if (TryOctal(bytes.AsSpan(index), out var value))
            {
                bytes[length++] = value;
                index += 3;
            }
            else
            {
                bytes[length++] = bytes[index];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private static bool TryOctal(ReadOnlySpan<byte> bytes, out byte value)
    {
        value = 0;
        if (bytes.Length < 4 || bytes[0] != '\\')
        {
            return false;
        }

        var number = 0;
        foreach (var digit in bytes.Slice(1, 3))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return false;
            }

            number = (number * 8) + (digit - '0');
        }

        value = (byte)number;
        return number <= byte.MaxValue;
    }

    // id parent major:minor root path options [tags...] - type source super-options
    private static bool TryParseLine(string line, out MountEntry entry)
    {
        entry = default;
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        if (dash < 0 || dash + 2 >= fields.Length)
        {
            return false;
        }

        var device = fields[2].Split(':');
        if (device.Length != 2
            || !uint.TryParse(device[0], CultureInfo.InvariantCulture, out var major)
            || !uint.TryParse(device[1], CultureInfo.InvariantCulture, out var minor))
        {
            return false;
        }

        entry = new MountEntry(
            major, minor, Decode(fields[4]), Decode(fields[dash + 1]), Decode(fields[dash + 2]), fields[5]);
        return true;
    }
}
