return await OrleansCache.Silo.Hosting.ServeCommand.RunAsync(args, Console.Out, Console.Error);
