using System.Globalization;
using MlNetFineTune.Benchmarks;

IReadOnlyList<Benchmark> benchmarks =
[
    new StepFull(), new StepHead(), new TransformReadyImages(), new Augment(), new DecodePhotos(), new DecodeAgainstTorchvision(), new Overlap(),
    new LoadWeights(), new OnnxStock(), new FineTuneHead(), new ProbeCached(), new FineTuneFull(),
];

if (args is [AugmentationStudy.Name, .. var rest])
{
    try
    {
        return AugmentationStudy.Run(rest);
    }
    catch (CannotRunException e)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}

var quick = args.Contains("--quick");
var names = args.Where(argument => argument != "--quick").ToList();
if (names.Count != 1 || benchmarks.FirstOrDefault(candidate => candidate.Name == names[0]) is not { } benchmark)
{
    Console.Error.WriteLine("Usage: dotnet run -c Release --project benchmarks/MlNetFineTune.Benchmarks -- NAME [--quick]");
    foreach (var known in benchmarks)
        Console.Error.WriteLine($"  {known.Name,-16} {known.Question}");
    Console.Error.WriteLine($"  {AugmentationStudy.Usage}");
    return 2;
}

try
{
    Console.WriteLine(benchmark.Question);
    var ratio = benchmark.Run(quick);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {benchmark.Name} {ratio:0.00}"));
    return 0;
}
catch (CannotRunException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
