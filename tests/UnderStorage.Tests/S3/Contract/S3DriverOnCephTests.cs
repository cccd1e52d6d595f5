namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The contract on a real server.</summary>
[Collection(CephRgwGroup.Name)]
public sealed class S3DriverOnCephTests(CephStore store) : S3DriverContract(store), IClassFixture<CephStore>;
