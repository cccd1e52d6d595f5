namespace Orleans.Runtime
{
    /// <summary>Base of the engine's errors.</summary>
    [GenerateSerializer]
    public class OrleansException(string message, Exception? innerException = null)
        : Exception(message, innerException);

    /// <summary>The request was refused and not run; the state of things is transient.</summary>
    [GenerateSerializer]
    public class OrleansMessageRejectionException : OrleansException
    {
        internal OrleansMessageRejectionException(string message, Exception? innerException = null)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The silo died or cannot be reached. Unless the text says "not sent", the call may have run.</summary>
    [GenerateSerializer]
    public sealed class SiloUnavailableException(string message, Exception? innerException = null)
        : OrleansMessageRejectionException(message, innerException);

    /// <summary>The gateway has as many requests in flight as it allows this client.</summary>
    [GenerateSerializer]
    public sealed class GatewayTooBusyException(string message) : OrleansException(message);

    /// <summary>A queue is full.</summary>
    [GenerateSerializer]
    public sealed class LimitExceededException(string message) : OrleansException(message);

    /// <summary>Options or contracts that cannot work, found at start.</summary>
    public sealed class OrleansConfigurationException(string message, Exception? innerException = null)
        : Exception(message, innerException);
}

namespace Orleans.Runtime.Messaging
{
    /// <summary>No connection to a gateway could be made.</summary>
    [GenerateSerializer]
    public sealed class ConnectionFailedException(string message, Exception? innerException = null)
        : OrleansException(message, innerException);
}

namespace Orleans.Storage
{
    /// <summary>Somebody else wrote the state since this activation read it. Deactivates when it escapes.</summary>
    [GenerateSerializer]
    public class InconsistentStateException(
        string errorMsg, string? storedEtag, string? currentEtag, Exception? storageException = null)
        : OrleansException(
            $"{errorMsg} Stored ETag: {storedEtag ?? "none"}, ours: {currentEtag ?? "none"}.", storageException)
    {
        /// <summary>The ETag in the store.</summary>
        [Id(0)]
        public string? StoredEtag { get; private set; } = storedEtag;

        /// <summary>The ETag this activation had.</summary>
        [Id(1)]
        public string? CurrentEtag { get; private set; } = currentEtag;

        /// <summary>True until it left the activation whose state it is about: only that one is deactivated.</summary>
        [field: NonSerialized]
        internal bool IsSourceActivation { get; set; } = true;
    }
}

namespace Orleans.Serialization
{
    /// <summary>A value cannot be written or read.</summary>
    [GenerateSerializer]
    public class SerializerException(string message, Exception? innerException = null)
        : OrleansException(message, innerException);

    /// <summary>A type has no serializer.</summary>
    [GenerateSerializer]
    public sealed class CodecNotFoundException(string message) : SerializerException(message);

    /// <summary>Stands for a remote exception whose type cannot be carried.</summary>
    [GenerateSerializer]
    public sealed class UnavailableExceptionFallbackException : Exception
    {
        internal UnavailableExceptionFallbackException(string exceptionType, string message)
            : base(message) => ExceptionType = exceptionType;

        /// <summary>The name of the type that was thrown.</summary>
        [Id(0)]
        public string ExceptionType { get; private set; }
    }
}
