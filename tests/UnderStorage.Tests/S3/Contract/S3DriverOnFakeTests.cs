namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The contract on the fake.</summary>
public sealed class S3DriverOnFakeTests(FakeStore store) : S3DriverContract(store), IClassFixture<FakeStore>;
