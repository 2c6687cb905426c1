using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Onnx;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// A round is all texts once, from the column of texts to the column of scores. Rates are those of a second of processor time, so that
/// other processes disturb them little.
/// </summary>
internal sealed class OnnxTexts : Benchmark
{
    private const int Texts = 500;

    public override string Name => "onnx-texts";

    public override string Question =>
        "Scores of 500 film reviews by the chain of ToOnnxPipeline with an exported MiniLM: against the TorchSharp model that it was made "
        + "of. Run it on one core (taskset -c 0) to compare the two libraries and not their threads.";

    public override double Run(bool quick)
    {
        var ml = new MLContext(seed: 1);
        ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 }); // its threads would spin on the same core
        var (train, test) = TextStudy.Load(ml, "sst2", quick: false)[0];
        var rows = ml.Data.TakeRows(test, quick ? 50 : Texts);
        var texts = ml.Data.LoadFromEnumerable(rows.GetColumn<string>("Text").Select(text => new Message { Text = text }).ToList());
        using var model = ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
        {
            Backbone = TextStudy.Backbone,
            Strategy = Strategy.HeadOnly,
            Epochs = 1,
            Validation = ValidationData.None,
        }).Fit(ml.Data.TakeRows(train, 64));
        using var floats = (IDisposable)ml.FineTuning.ToOnnxPipeline(model, texts.Schema);
        using var bytes = (IDisposable)ml.FineTuning.ToOnnxPipeline(model, texts.Schema, precision: OnnxPrecision.Int8(texts));

        const string library = "chain of ONNX Runtime", torch = "model of TorchSharp";
        Networks.CheckSame(
            "score of the first class, summed", Scores((ITransformer)floats).Sum(row => row[0]), Scores(model).Sum(row => row[0]));
        var timing = new PairedTiming()
            .AddRate(library, () => Rate((ITransformer)floats))
            .AddRate("the same, OnnxPrecision.Int8", () => Rate((ITransformer)bytes))
            .AddRate(torch, () => Rate(model))
            .Run(rounds: quick ? 1 : 2, quick);
        timing.Print(library, "texts/CPU s");
        return timing.Ratio(library, torch);

        double Rate(ITransformer transformer)
        {
            var before = Environment.CpuUsage.TotalTime;
            var count = Scores(transformer).Count;
            return count / (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        }

        List<float[]> Scores(ITransformer transformer) => [.. transformer.Transform(texts).GetColumn<float[]>("Score")];
    }

    private sealed class Message
    {
        public string Text { get; set; } = "";
    }
}
