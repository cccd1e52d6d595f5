using OrleansCache.Cli;

using var signals = new StopSignals();
return await OcacheProgram.RunAsync(args, signals).ConfigureAwait(false);
