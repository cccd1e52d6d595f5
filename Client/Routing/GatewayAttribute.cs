using System.ComponentModel.DataAnnotations;

namespace OrleansCache.Routing;

/// <summary>An option that must be <c>HOST:PORT</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class GatewayAttribute() : ValidationAttribute("it must be HOST:PORT, such as 127.0.0.1:30000")
{
    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is string text && GatewayAddress.TryParse(text, out _, out _);
}
