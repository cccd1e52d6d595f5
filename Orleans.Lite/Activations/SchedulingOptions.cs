namespace Orleans.Runtime;

/// <summary>Order of requests. Orleans promises none; shuffling keeps tests from relying on what happens to be
/// so.</summary>
internal sealed class SchedulingOptions
{
    /// <summary>"1" shuffles with a seed of its own, any other number is the seed.</summary>
    public const string ShuffleVariable = "ORLEANS_LITE_SHUFFLE";

    /// <summary>How many requests may wait at one activation: far more than a healthy grain has, little
    /// memory.</summary>
    public const int DefaultQueueLimit = 10_000;

    /// <summary>The seed; null for first come, first served.</summary>
    public int? ShuffleSeed { get; set; } = FromEnvironment();

    private static int? FromEnvironment() =>
        int.TryParse(Environment.GetEnvironmentVariable(ShuffleVariable), CultureInfo.InvariantCulture, out var value)
        && value != 0 ? value == 1 ? Random.Shared.Next(2, int.MaxValue) : value : null;
}

/// <summary>Picks at random, reproducibly for one seed as far as threads allow.</summary>
internal sealed class Shuffler(int seed)
{
    private readonly Random _random = new(seed);

    public int Seed { get; } = seed;

    public int Next(int count)
    {
        lock (_random)
        {
            return _random.Next(count);
        }
    }
}
