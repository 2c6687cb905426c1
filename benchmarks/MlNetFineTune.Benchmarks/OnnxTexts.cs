using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Benchmarks;

/// <summary>A round is all texts once, from the column of texts to the column of scores.</summary>
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
        var (train, test) = TextStudy.Load(ml, "sst2", quick: false);
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

        const string library = "chain of ONNX Runtime", torch = "model of TorchSharp", alone = "chain, one text at a time";
        Networks.CheckSame(
            "score of the first class, summed", Scores((ITransformer)floats).Sum(row => row[0]), Scores(model).Sum(row => row[0]));
        var timing = new PairedTiming()
            .Add(library, () => Scores((ITransformer)floats).Count)
            .Add("the same, OnnxPrecision.Int8", () => Scores((ITransformer)bytes).Count)
            .Add(torch, () => Scores(model).Count)
            .Add(alone, () => OneByOne((ITransformer)floats))
            .Add("model, one text at a time", () => OneByOne(model))
            .Run(rounds: quick ? 1 : 5, quick);
        timing.Print(library, "texts/s");
        return timing.Ratio(library, torch);

        List<float[]> Scores(ITransformer transformer) => [.. transformer.Transform(texts).GetColumn<float[]>("Score")];

        int OneByOne(ITransformer transformer)
        {
            using var engine = ml.Model.CreatePredictionEngine<Message, Answer>(transformer);
            var count = 0;
            foreach (var message in ml.Data.CreateEnumerable<Message>(texts, reuseRowObject: true))
                count += engine.Predict(message).Score.Length > 0 ? 1 : 0;
            return count;
        }
    }

    private sealed class Message
    {
        public string Text { get; set; } = "";
    }

    private sealed class Answer
    {
        public float[] Score { get; set; } = [];
    }
}
