using System.ComponentModel.DataAnnotations;

namespace OrleansCache;

/// <summary>Checks options against the ranges that stand at them.</summary>
internal static class OptionChecks
{
    /// <summary>Says all that is wrong at once, with the values that were given.</summary>
    /// <exception cref="ArgumentException">Something is out of range.</exception>
    public static void Validate(object options)
    {
        var mistakes = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), mistakes, validateAllProperties: true))
        {
            return;
        }

        throw new ArgumentException(string.Join("; ", mistakes.Select(mistake => Describe(options, mistake))), nameof(options));
    }

    private static string Describe(object options, ValidationResult mistake)
    {
        var type = options.GetType();
        var values = mistake.MemberNames.Select(name => $"{type.Name}.{name} is '{type.GetProperty(name)?.GetValue(options)}'");
        return $"{string.Join(", ", values)}: {mistake.ErrorMessage?.TrimEnd('.')}";
    }
}
