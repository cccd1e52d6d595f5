Console.WriteLine("ocache");
