using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>Base of the engine's errors.</summary>
    [GenerateSerializer]
    public class OrleansException : Exception
    {
        /// <summary>An error without text.</summary>
        public OrleansException()
        {
        }

        /// <summary>An error with its text.</summary>
        public OrleansException(string message)
            : base(message)
        {
        }

        /// <summary>An error with its text and cause.</summary>
        public OrleansException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The request was refused and not run; the state of things is transient.</summary>
    [GenerateSerializer]
    public class OrleansMessageRejectionException : OrleansException
    {
        internal OrleansMessageRejectionException(string message, Exception? innerException = null)
            : base(message, innerException)
        {
        }
    }

    /// <summary>
    /// The silo died or cannot be reached. Whether the call ran is unknown unless the text says it was not sent.
    /// </summary>
    [GenerateSerializer]
    public sealed class SiloUnavailableException : OrleansMessageRejectionException
    {
        /// <summary>An error with its text and cause.</summary>
        public SiloUnavailableException(string message, Exception? innerException = null)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The gateway has as many requests in flight as it allows this client.</summary>
    [GenerateSerializer]
    public sealed class GatewayTooBusyException(string message) : OrleansException(message);

    /// <summary>A queue is full.</summary>
    [GenerateSerializer]
    public sealed class LimitExceededException(string message) : OrleansException(message);

    /// <summary>Options or contracts that cannot work, found at start.</summary>
    public sealed class OrleansConfigurationException : Exception
    {
        /// <summary>An error with its text.</summary>
        public OrleansConfigurationException(string message)
            : base(message)
        {
        }

        /// <summary>An error with its text and cause.</summary>
        public OrleansConfigurationException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }
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
    /// <summary>
    /// The stored state is not the one this activation read: somebody else wrote it. Deactivates when it escapes.
    /// </summary>
    [GenerateSerializer]
    public class InconsistentStateException : OrleansException
    {
        /// <summary>A conflict with its text.</summary>
        public InconsistentStateException(string message)
            : base(message)
        {
        }

        /// <summary>A conflict between two ETags.</summary>
        public InconsistentStateException(
            string errorMsg, string? storedEtag, string? currentEtag, Exception? storageException = null)
            : base($"{errorMsg} Stored ETag: {storedEtag ?? "none"}, ours: {currentEtag ?? "none"}.", storageException)
        {
            StoredEtag = storedEtag;
            CurrentEtag = currentEtag;
        }

        /// <summary>The ETag in the store.</summary>
        [Id(0)]
        public string? StoredEtag { get; private set; }

        /// <summary>The ETag this activation had.</summary>
        [Id(1)]
        public string? CurrentEtag { get; private set; }

        /// <summary>True until it left the activation whose state it is about: only that one is deactivated.</summary>
        [field: NonSerialized]
        internal bool IsSourceActivation { get; set; } = true;
    }
}

namespace Orleans.Serialization
{
    /// <summary>A value cannot be written or read.</summary>
    [GenerateSerializer]
    public class SerializerException : OrleansException
    {
        /// <summary>An error with its text and cause.</summary>
        public SerializerException(string message, Exception? innerException = null)
            : base(message, innerException)
        {
        }
    }

    /// <summary>A type has no serializer.</summary>
    [GenerateSerializer]
    public sealed class CodecNotFoundException(string message) : SerializerException(message);

    /// <summary>Stands for a remote exception whose type cannot be carried.</summary>
    [GenerateSerializer]
    public sealed class UnavailableExceptionFallbackException : Exception
    {
        internal UnavailableExceptionFallbackException(string exceptionType, string message, Exception? innerException)
            : base(message, innerException) => ExceptionType = exceptionType;

        /// <summary>The name of the type that was thrown.</summary>
        [Id(0)]
        public string ExceptionType { get; private set; }
    }
}
