using OrleansCache.Fakes.Ceph;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Ceph's gateway, shared with all test classes of its collection.</summary>
public sealed class CephStore(CephRgwFixture fixture) : ContractStore
{
    private CephRgw Gateway => fixture.Gateway;

    private protected override (Uri Endpoint, string AccessKey, string SecretKey) Server =>
        (Gateway.Endpoint, Gateway.AccessKey, Gateway.SecretKey);

    internal override Task PutAwkwardAsync(string bucket, string key, byte[] bytes) => PostedForm.PostAsync(Server, bucket, key, bytes);

    internal override Task ForbidReadingAsync(string prefix) => Client.PutBucketPolicyAsync(Bucket, $$"""
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["s3:GetObject"],
         "Resource": ["arn:aws:s3:::{{Bucket}}/{{prefix}}*"]}]}
        """);

    private protected override Task StartAsync() => Task.CompletedTask; // the collection's fixture did

    private protected override Task StopAsync() => Task.CompletedTask;
}
