using System.Reflection;
using System.Xml.Linq;

namespace OrleansCache.Client.Tests;

/// <summary>
/// Client/PublicAPI.txt is what programs may call: the client's public types, and the words of Grains.Interfaces that stand in
/// their signatures. A change of the file is a change for every user.
/// </summary>
public sealed class PublicApiTests
{
    private const string Update = "OCACHE_UPDATE_API=1 dotnet test tests/Client.Tests --filter PublicApi";

    private static readonly IReadOnlyList<Type> Types = PublicApi.TypesOf(
        [.. typeof(CacheClient).Assembly.GetExportedTypes(), typeof(CacheRequestException)]);

    [Fact]
    public async Task The_public_API_is_what_the_file_says()
    {
        var file = Path.Combine(Root(), "Client", "PublicAPI.txt");
        var now = string.Concat(PublicApi.Render(Types).Select(line => line + "\n"));
        if (Environment.GetEnvironmentVariable("OCACHE_UPDATE_API") == "1")
        {
            await File.WriteAllTextAsync(file, now);
        }

        var (lines, frozen) = (now.Split('\n'), (await File.ReadAllTextAsync(file)).Split('\n'));
        var changes = frozen.Except(lines).Select(line => "- " + line).Concat(lines.Except(frozen).Select(line => "+ " + line)).ToList();
        Assert.True(
            frozen.SequenceEqual(lines),
            $"the public API changed:\n{string.Join('\n', changes)}\nIf that is meant, write it down: {Update}");
    }

    [Fact]
    public void Every_public_member_says_what_it_is_for()
    {
        var documented = Types.Select(type => type.Assembly).Distinct()
            .SelectMany(assembly => XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
            .Where(SaysSomething)
            .Select(member => member.Attribute("name")!.Value.Split('(', '`')[0])
            .ToHashSet();
        var missing = Types
            .SelectMany(type => PublicApi.MembersOf(type).Where(OwesWords).Select(NameOf).Prepend("T:" + type.FullName))
            .Where(name => !documented.Contains(name)).ToList();
        Assert.True(missing.Count == 0, $"without a summary:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Nothing_public_stands_on_what_is_not_in_the_package_s_view() => Assert.All(
        Types, type => Assert.Contains(type.Assembly.GetName().Name, new[] { "OrleansCache.Client", "OrleansCache.Grains.Interfaces" }));

    private static bool SaysSomething(XElement member) =>
        member.Element("inheritdoc") is not null || !string.IsNullOrWhiteSpace(member.Element("summary")?.Value)
        || member.Element("param") is not null;

    private static bool OwesWords(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => constructor.GetParameters().Length > 0, // Most without are the compiler's.
        MethodInfo { IsVirtual: true } method => method.GetBaseDefinition() == method,
        _ => true,
    };

    private static string NameOf(MemberInfo member) => member switch
    {
        // The parameters of a record's header are documented at the type.
        ConstructorInfo { DeclaringType: var type } when type!.GetMethod("<Clone>$") is not null || type.IsValueType => "T:" + type.FullName,
        ConstructorInfo => $"M:{member.DeclaringType!.FullName}.#ctor",
        MethodInfo => $"M:{member.DeclaringType!.FullName}.{member.Name}",
        PropertyInfo => $"P:{member.DeclaringType!.FullName}.{member.Name}",
        _ => $"F:{member.DeclaringType!.FullName}.{member.Name}",
    };

    /// <summary>The repository's root folder.</summary>
    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "OrleansCache.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
