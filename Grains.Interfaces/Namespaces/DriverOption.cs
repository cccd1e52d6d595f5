namespace OrleansCache.Namespaces;

/// <summary>An option of one kind of under storage, such as <c>endpoint</c> of S3: its driver knows names and ranges.</summary>
/// <param name="Name">Name as typed.</param>
/// <param name="Value">Value as typed. Never a secret: those come from files and the environment of the silo.</param>
[GenerateSerializer, Immutable, Alias("drvopt")]
public sealed record DriverOption([property: Id(0)] string Name, [property: Id(1)] string Value);
