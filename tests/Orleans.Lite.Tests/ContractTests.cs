using Orleans.Hosting;
using Orleans.Runtime;
using OrleansCache.Orleans.Lite.Tests.Bad;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>What Orleans' analyzers refuse at build, Lite refuses at start, naming type and member.</summary>
public sealed class ContractTests
{
    [Theory]
    [InlineData(typeof(IReturnsInt), "IReturnsInt", "Get")]
    [InlineData(typeof(ITakesRef), "ITakesRef", "value")]
    [InlineData(typeof(IHasProperty), "IHasProperty", "Value")]
    [InlineData(typeof(IClashingAliases), "First", "Second")]
    [InlineData(typeof(MissingId), "MissingId", "Forgotten")]
    [InlineData(typeof(DuplicateId), "First", "Second")]
    public async Task A_bad_contract_fails_the_start_and_is_named(Type bad, string type, string member)
    {
        var exception = await Assert.ThrowsAsync<OrleansConfigurationException>(() => StartWith(bad));
        Assert.Contains(type, exception.Message, StringComparison.Ordinal);
        Assert.Contains(member, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_types_with_one_alias_fail_the_start()
    {
        var exception = await Assert.ThrowsAsync<OrleansConfigurationException>(
            () => StartWith(typeof(AliasOne), typeof(AliasTwo)));
        Assert.Contains("'clash'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_argument_without_a_serializer_fails_the_start()
    {
        var exception = await Assert.ThrowsAsync<OrleansConfigurationException>(
            () => StartWith(typeof(ITakesUnserializable), typeof(TakesUnserializableGrain)));
        Assert.Contains("ITakesUnserializable.Take", exception.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(NotSerializable), exception.Message, StringComparison.Ordinal);
    }

    private static async Task StartWith(params Type[] bad)
    {
        using var silo = await TestHost.SiloAsync(0, builder => builder.Configure<ManifestOptions>(options =>
            options.Includes = type =>
                type.Namespace?.EndsWith(".Bad", StringComparison.Ordinal) != true || bad.Contains(type)));
        await silo.StopAndDisposeAsync();
    }
}
