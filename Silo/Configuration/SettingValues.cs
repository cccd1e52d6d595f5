using System.Globalization;
using System.Text.Json;

namespace OrleansCache.Silo.Configuration;

/// <summary>The settings as text with where each came from, so that an error can name the thing to change.</summary>
internal sealed class SettingValues
{
    private readonly Dictionary<string, (string Text, string Origin)> _values;

    private SettingValues(Dictionary<string, (string Text, string Origin)> values) => _values = values;

    /// <summary>Collects flags, environment and config file.</summary>
    /// <param name="flag">Text of a flag, or null when it was not given.</param>
    /// <param name="variable">Text of an environment variable, or null.</param>
    public static SettingValues Collect(Func<Setting, string?> flag, Func<string, string?> variable)
    {
        var values = new Dictionary<string, (string Text, string Origin)>(StringComparer.Ordinal);
        foreach (var setting in Setting.All)
        {
            if (flag(setting) is { } given)
            {
                values[setting.Name] = (given, setting.Flag);
            }
            else if (variable(setting.Variable) is { Length: > 0 } inherited)
            {
                var text = setting.IsList ? inherited.Replace(';', Setting.ListSeparator) : inherited;
                values[setting.Name] = (text, setting.Variable);
            }
        }

        if (values.TryGetValue(Setting.Config.Name, out var config))
        {
            foreach (var (name, text) in ReadFile(config.Text, config.Origin))
            {
                values.TryAdd(name, (text, $"{name} in {config.Text}"));
            }
        }

        return new SettingValues(values);
    }

    /// <summary>Whether somebody set it, and where.</summary>
    public bool TryGet(Setting setting, out string text, out string origin)
    {
        var found = _values.TryGetValue(setting.Name, out var value);
        (text, origin) = found ? value : (setting.Default, setting.Flag);
        return found;
    }

    /// <summary>A whole number in a range.</summary>
    public int GetInt32(Setting setting, int min, int max)
    {
        TryGet(setting, out var text, out var origin);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= min && number <= max
            ? number
            : throw SiloStartException.Usage($"{origin} '{text}' is not a number from {min} to {max}");
    }

    /// <summary>A size in a range.</summary>
    public long GetBytes(Setting setting, long min, long max)
    {
        TryGet(setting, out var text, out var origin);
        return ByteSize.TryParse(text, out var bytes) && bytes >= min && bytes <= max
            ? bytes
            : throw SiloStartException.Usage(
                $"{origin} '{text}' is not a size from {ByteSize.Format(min)} to {ByteSize.Format(max)}; write for example 512MiB");
    }

    private static Dictionary<string, string> ReadFile(string path, string origin)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
            });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw SiloStartException.Usage($"{origin} {path} is not a JSON object; write {{\"http-port\": 30080}}");
            }

            return document.RootElement.EnumerateObject().ToDictionary(
                member => KnownName(member.Name, path), member => TextOf(member), StringComparer.Ordinal);
        }
        catch (JsonException exception)
        {
            throw SiloStartException.Usage(
                $"{origin} {path} is not JSON (line {exception.LineNumber + 1}); write {{\"http-port\": 30080}}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw SiloStartException.Usage($"{origin} {path} cannot be read; check the path and its permissions");
        }
        catch (ArgumentException)
        {
            throw SiloStartException.Usage($"{path} has a setting twice; keep one of the two");
        }
    }

    private static string TextOf(JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.Array && Setting.All.Any(setting => setting.IsList && setting.Name == member.Name)
            ? string.Join(Setting.ListSeparator, member.Value.EnumerateArray())
            : member.Value.ToString();

    private static string KnownName(string name, string path) =>
        name != Setting.Config.Name && Setting.All.Any(setting => setting.Name == name)
            ? name
            : throw SiloStartException.Usage(
                $"{path} has an unknown setting '{name}'; known are "
                + string.Join(", ", Setting.All.Where(setting => setting != Setting.Config).Select(setting => setting.Name)));
}
