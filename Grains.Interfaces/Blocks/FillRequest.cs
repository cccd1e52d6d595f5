namespace OrleansCache.Blocks;

/// <summary>A silo's wish to fill blocks of a run.</summary>
/// <param name="SiloName">Who asks: the name it joined its group with.</param>
/// <param name="SiloGeneration">Its generation: a restarted silo is a new asker.</param>
/// <param name="FirstMissing">The first block it misses; in a shard of small files, the file.</param>
[GenerateSerializer, Immutable, Alias("fillreq")]
public sealed record FillRequest(
    [property: Id(0)] string SiloName, [property: Id(1)] int SiloGeneration, [property: Id(2)] BlockId FirstMissing);
