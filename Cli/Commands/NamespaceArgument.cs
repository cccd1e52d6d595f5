using System.CommandLine;

namespace OrleansCache.Cli.Commands;

/// <summary>An argument that is a path of the namespace: a mistyped option is not taken for one.</summary>
internal static class NamespaceArgument
{
    /// <summary>The argument.</summary>
    public static Argument<string> Make(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(static result =>
        {
            if (result.Tokens is [var token, ..] && !token.Value.StartsWith('/'))
            {
                result.AddError($"'{token.Value}' is neither an option nor an absolute path of the namespace, such as /imagenet");
            }
        });
        return argument;
    }
}
