using System.Globalization;
using MlNetFineTune.Benchmarks;
using MlNetFineTune.MlNet;

// As in an application that uses the library before TorchSharp: OpenMP threads wait passively, on both sides of every comparison.
MlNetFineTune.MlNet.TorchRuntime.EnsureLoaded();

IReadOnlyList<Benchmark> benchmarks =
[
    new StepFull(), new PrecisionStep(), new MemoryStep(), new StepHead(), new TransformReadyImages(), new TransformFastest(),
    new TransformSmall(),
    new FeaturesAgainstScores(), new ManyCallers(), new Augment(), new DecodePhotos(),
    new DecodeAgainstTorchvision(), new Overlap(),
    new LoadWeights(), new SearchIndex(), new TokenizerSpeed(), new TextStep(), new TextTransform(), new Scaling(),
    new OnnxStock(), new OnnxTexts(), new FineTuneHead(), new ProbeCached(), new ProbeFastest(), new FineTuneFull(),
];

var studies = new Dictionary<string, (Func<IReadOnlyList<string>, int> Run, string Usage)>
{
    [AugmentationStudy.Name] = (AugmentationStudy.Run, AugmentationStudy.Usage),
    [StockAugmentationStudy.Name] = (StockAugmentationStudy.Run, StockAugmentationStudy.Usage),
    [StrategyStudy.Name] = (StrategyStudy.Run, StrategyStudy.Usage),
    [CompressionStudy.Name] = (CompressionStudy.Run, CompressionStudy.Usage),
    [TaskStudy.Name] = (TaskStudy.Run, TaskStudy.Usage),
    [FeatureStudy.Name] = (FeatureStudy.Run, FeatureStudy.Usage),
    [ActivationsStudy.Name] = (ActivationsStudy.Run, ActivationsStudy.Usage),
    [OnnxTable.Name] = (OnnxTable.Run, OnnxTable.Usage),
    [NetworkSpeed.Name] = (NetworkSpeed.Run, NetworkSpeed.Usage),
    [LabelStudy.Name] = (LabelStudy.Run, LabelStudy.Usage),
    [ExamineStudy.Name] = (ExamineStudy.Run, ExamineStudy.Usage),
    [WiseStudy.Name] = (WiseStudy.Run, WiseStudy.Usage),
    [TextStudy.Name] = (TextStudy.Run, TextStudy.Usage),
    [EntityStudy.Name] = (EntityStudy.Run, EntityStudy.Usage),
    [FewShotStudy.Name] = (FewShotStudy.Run, FewShotStudy.Usage),
    [AnswerStudy.Name] = (AnswerStudy.Run, AnswerStudy.Usage),
    [MultiLabelStudy.Name] = (MultiLabelStudy.Run, MultiLabelStudy.Usage),
    [ConformalStudy.Name] = (ConformalStudy.Run, ConformalStudy.Usage),
    [PrecisionStudy.Name] = (PrecisionStudy.Run, PrecisionStudy.Usage),
    [ScalingProcess.Name] = (ScalingProcess.Run, ScalingProcess.Usage),
    [ShardingStudy.Name] = (ShardingStudy.Run, ShardingStudy.Usage),
};

if (args is [MemoryStep.One, var kind, var keep, var steps])
    return MemoryStep.RunOne(kind, bool.Parse(keep), int.Parse(steps, CultureInfo.InvariantCulture));

if (args is [var name, .. var rest] && studies.TryGetValue(name, out var study))
{
    try
    {
        return study.Run(rest);
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
    foreach (var (_, usage) in studies.Values)
        Console.Error.WriteLine($"  {usage}");
    return 2;
}

try
{
    Console.WriteLine(benchmark.Question);
    Console.WriteLine($"{MlNetFineTune.MlNet.Processor.Current}; "
        + $"{Environment.ProcessorCount} "
        + $"cores{(MlNetFineTune.MlNet.CacheSizes.UsersSetting is { } isa ? $"; oneDNN limited to {isa}" : "")}");
    var ratio = benchmark.Run(quick);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {benchmark.Name} {ratio:0.00}"));
    return 0;
}
catch (CannotRunException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
