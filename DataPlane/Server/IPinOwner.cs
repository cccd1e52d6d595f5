namespace OrleansCache.DataPlane.Server;

/// <summary>Gave out a <see cref="PinnedRange"/> and takes it back.</summary>
public interface IPinOwner
{
    /// <summary>The pin with this token is over.</summary>
    void Unpin(long token);
}
