namespace OrleansCache.UnderStorage.S3;

/// <summary>An object already passed whose prefix may still come.</summary>
/// <param name="Segment">Its key in the directory.</param>
/// <param name="Late">
/// The object when it is not yet given away; null when it is, under the name of its segment: a prefix of that name has to step back.
/// </param>
internal readonly record struct OpenObject(string Segment, S3Object? Late);
