namespace OrleansCache.BlockStore.Tests;

public sealed class NullBlockStoreTests
{
    [Fact]
    public async Task The_null_store_takes_fills_and_serves_zeros()
    {
        var directory = Directory.CreateTempSubdirectory("ocache-null-").FullName;
        await using (var store = new NullBlockStore(directory))
        {
            var length = TestTier.BlockSize + 10L;
            for (var block = 0; block < 2; block++)
            {
                var attempt = await store.BeginFillAsync(TestTier.Request(1, length, block), CancellationToken.None);
                Assert.True(TestTier.WriteAll(attempt.Fill!, TestTier.Key(1)));
                Assert.True(await attempt.Fill!.CompleteAsync(CancellationToken.None));
            }

            Assert.True(store.GetResidency(TestTier.Key(1)).IsComplete);
            Assert.Equal(PinStatus.Pinned, store.TryPin(TestTier.Key(1), 0, (int)length, out var pin));
            var bytes = Enumerable.Repeat((byte)1, (int)length).ToArray();
            Assert.Equal(bytes.Length, RandomAccess.Read(pin.Handle, bytes, pin.FileOffsetBytes));
            Assert.True(bytes.AsSpan().IndexOfAnyExcept((byte)0) < 0);
            Assert.Equal(PinStatus.Missing, store.TryPin(TestTier.Key(2), 0, 1, out _));
        }

        Directory.Delete(directory);
    }
}
