using System.Globalization;
using MlNetFineTune.Benchmarks;
using MlNetFineTune.MlNet;

try
{
    return Run(args);
}
catch (CannotRunException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static int Run(string[] args)
{
    // Parts of benchmarks, each in its own process. They load libtorch themselves, as a part of what is measured.
    if (args is [ColdStartProcess.Name, .. var ofStart])
        return ColdStartProcess.Run(ofStart);
    if (args is [HeadlineProcess.Name, .. var ofHeadline])
        return HeadlineProcess.Run(ofHeadline);

    // As in an application that uses the library before TorchSharp: OpenMP threads wait passively, on both sides of every comparison.
    TorchRuntime.EnsureLoaded();

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
        [PictureCacheStudy.Name] = (PictureCacheStudy.Run, PictureCacheStudy.Usage),
        [ProgressiveStudy.Name] = (ProgressiveStudy.Run, ProgressiveStudy.Usage),
        [ShardingStudy.Name] = (ShardingStudy.Run, ShardingStudy.Usage),
    };

    if (args is [ScalingProcess.Name, .. var ofScaling])
        return ScalingProcess.Run(ofScaling);
    if (args is [MemoryStep.One, var kind, var keep, var steps])
        return MemoryStep.RunOne(kind, bool.Parse(keep), int.Parse(steps, CultureInfo.InvariantCulture));

    if (args is [var name, .. var rest] && studies.TryGetValue(name, out var study))
        return study.Run(rest);

    var quick = args.Contains(AllBenchmarks.Quick);
    var shows = args.Contains(AllBenchmarks.Record);
    var stores = shows || args.Contains(AllBenchmarks.Store);
    var names = args.Except([AllBenchmarks.Quick, AllBenchmarks.Record, AllBenchmarks.Store]).ToList();
    var results = new ResultFolder(SharedFiles.RepositoryRoot);
    switch (names)
    {
        case [AllBenchmarks.Name]:
            return AllBenchmarks.Run(quick, results);
        case [AllBenchmarks.Pages]:
            return AllBenchmarks.WritePages(results) ? 0 : 1;
        case [var known] when AllBenchmarks.Known.FirstOrDefault(candidate => candidate.Name == known) is { } benchmark
            && !(quick && stores):
            if (stores)
                SharedFiles.RequireRealWeights();
            var (result, nothingMeasured) = BenchmarkRecorder.Run(benchmark, quick);
            if (stores && nothingMeasured is not null)
            {
                Console.Error.WriteLine($"The result of '{known}' is not stored: {nothingMeasured}");
                return AllBenchmarks.NothingMeasured;
            }
            if (stores)
                results.Write(result);
            return !shows || AllBenchmarks.WritePages(results) ? 0 : 1;
        default:
            Console.Error.WriteLine(
                "Usage: dotnet run -c Release --project benchmarks/MlNetFineTune.Benchmarks -- NAME [--quick | --record]");
            Console.Error.WriteLine($"  {AllBenchmarks.Name,-18} Runs every benchmark and records its result; nothing with --quick.");
            Console.Error.WriteLine($"  {AllBenchmarks.Pages,-18} Writes the recorded results into the pages.");
            foreach (var benchmark in AllBenchmarks.Known)
                Console.Error.WriteLine($"  {benchmark.Name,-18} {benchmark.Question}");
            foreach (var (_, usage) in studies.Values)
                Console.Error.WriteLine($"  {usage}");
            return 2;
    }
}
