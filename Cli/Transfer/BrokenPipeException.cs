namespace OrleansCache.Cli.Transfer;

/// <summary>The program that reads our output has gone.</summary>
internal sealed class BrokenPipeException(IOException cause) : Exception(cause.Message, cause);
