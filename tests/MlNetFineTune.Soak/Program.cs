using System.Globalization;
using MlNetFineTune.Soak;

// Trains and serves in one process for half an hour, or as many minutes or cycles as the argument says:
//     dotnet run -c Release --project tests/MlNetFineTune.Soak -- [--minutes 30 | --cycles N]
// Exit code 0: every answer was right, and nothing has grown; 1: something has; 2: wrong arguments.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case []:
        return await SoakRun.StartAsync(TimeSpan.FromMinutes(30), cycles: int.MaxValue);
    case ["--minutes", var text] when double.TryParse(text, CultureInfo.InvariantCulture, out var minutes) && minutes > 0:
        return await SoakRun.StartAsync(TimeSpan.FromMinutes(minutes), cycles: int.MaxValue);
    case ["--cycles", var text] when int.TryParse(text, CultureInfo.InvariantCulture, out var cycles) && cycles > 0:
        return await SoakRun.StartAsync(TimeSpan.MaxValue, cycles);
    default:
        Console.Error.WriteLine("Usage: [--minutes NUMBER | --cycles NUMBER], each above 0. Default: --minutes 30.");
        return 2;
}
