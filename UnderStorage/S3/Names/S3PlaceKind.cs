namespace OrleansCache.UnderStorage.S3;

/// <summary>What a path may mean in a bucket, where one name can be an object and a prefix at once.</summary>
internal enum S3PlaceKind
{
    /// <summary>
    /// The object unless it is missing, or empty beside a prefix; else the prefix. <see cref="S3Place.Decide"/> is the rule.
    /// </summary>
    Any,

    /// <summary>Only the object: the path says <c>%object</c>.</summary>
    ObjectOnly,

    /// <summary>Only the prefix: the root, or the path says <c>%prefix</c>.</summary>
    PrefixOnly,
}
