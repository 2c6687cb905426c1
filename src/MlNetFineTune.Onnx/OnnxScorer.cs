using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>
/// ML.NET's scorers that follow one head of a network in a chain: linear models of the network's outputs with identity weights, divided by
/// the temperature if probabilities are calibrated. ML.NET adds the usual columns: softmax or sigmoid, names, the predicted label.
/// </summary>
/// <param name="Steps">The steps, in order. Each reads outputs of the network or of previous steps.</param>
/// <param name="Columns">ML.NET's fixed names of the columns, and the model's names.</param>
internal sealed record OnnxScorer(IReadOnlyList<ITransformer> Steps, IReadOnlyList<(string OfMlNet, string OfModel)> Columns)
{
    private const string Score = AnnotationUtils.Const.ScoreValueKind.Score;
    private const string Probability = DefaultColumnNames.Probability;
    private const string PredictedLabel = DefaultColumnNames.PredictedLabel;

    // An intermediate column between two steps.
    private const string Kept = OnnxPipeline.Own + "Labels";

    /// <param name="ml">Context of the chain.</param>
    /// <param name="scorer">Scorer of the head.</param>
    /// <param name="prefix">Prefix of the names of the head's outputs.</param>
    /// <exception cref="NotSupportedException">There is only one class or label.</exception>
    public static OnnxScorer Of(MLContext ml, StockScorer scorer, string prefix) => scorer switch
    {
        StockScorer.OfClasses classes => OfClasses(ml, classes, prefix + GraphOutput.Logits),
        StockScorer.OfTwo two => OfTwo(ml, two, prefix + GraphOutput.Logit),
        StockScorer.OfLabels labels => OfLabels(ml, labels, prefix),
        StockScorer.OfNumber number => OfNumber(ml, number, prefix + GraphOutput.Score),
        _ => throw new NotSupportedException($"ML.NET has no scorer for {scorer}."),
    };

    private static OnnxScorer OfClasses(MLContext ml, StockScorer.OfClasses scorer, string input)
    {
        var (keys, classes) = (scorer.Keys, scorer.Keys.Count);
        RequireTwo(keys.Names, "class");
        var scale = 1 / scorer.Temperature;
        var identity = Enumerable.Range(0, classes).Select(i => new VBuffer<float>(classes, 1, [scale], [i])).ToArray();
        var linear = new MaximumEntropyModelParameters(ml, identity, new float[classes], classes, classes, [.. keys.Names]);
        var labels = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labels, AnnotationUtils.Kinds.KeyValues);
        return new(
            [new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(
                ml, linear, Raw(input, classes, scorer.Columns.Label, labels), input, scorer.Columns.Label, Score, PredictedLabel)],
            [(Score, scorer.Columns.Score), (PredictedLabel, scorer.Columns.PredictedLabel)]);
    }

    // Platt's calibrator with a slope of -1 is the sigmoid of the score: 1 / (1 + e^(slope * score + offset)).
    private static OnnxScorer OfTwo(MLContext ml, StockScorer.OfTwo scorer, string input)
    {
        var weights = new VBuffer<float>(1, [1 / scorer.Temperature]);
        var linear = new LinearBinaryModelParameters(ml, in weights, 0);
        var sigmoid = new PlattCalibrator(ml, slope: -1, offset: 0);
        return new(
            [new BinaryPredictionTransformer<ParameterMixingCalibratedModelParameters<LinearBinaryModelParameters, PlattCalibrator>>(
                ml, new(ml, linear, sigmoid), Raw(input, 1), input, scorer.Threshold)],
            [(Score, scorer.Columns.Score), (Probability, scorer.Columns.Probability),
                (PredictedLabel, scorer.Columns.PredictedLabel)]);
    }

    // ML.NET has no multi-label scorer. Its one-versus-all scorer returns raw scores with names: it is used once for the probabilities, and
    // once for the decisions at the thresholds, which are then converted to Boolean.
    private static OnnxScorer OfLabels(MLContext ml, StockScorer.OfLabels scorer, string prefix)
    {
        RequireTwo(scorer.Names, "label");
        return new(
            [
                Named(ml, scorer, prefix + GraphOutput.Predicted),
                ml.Transforms.CopyColumns(Kept, Score).Fit(View(ml, Score, scorer.Names.Count)),
                Named(ml, scorer, prefix + GraphOutput.Probabilities),
                ml.Transforms.Conversion.ConvertType(PredictedLabel, Kept, DataKind.Boolean).Fit(View(ml, Kept, scorer.Names.Count)),
            ],
            [(Score, scorer.Columns.Score), (PredictedLabel, scorer.Columns.PredictedLabel)]);
    }

    private static OnnxScorer OfNumber(MLContext ml, StockScorer.OfNumber scorer, string input)
    {
        var weights = new VBuffer<float>(1, [1f]);
        return new(
            [new RegressionPredictionTransformer<LinearRegressionModelParameters>(
                ml, new LinearRegressionModelParameters(ml, in weights, 0), Raw(input, 1), input)],
            [(Score, scorer.Columns.Score)]);
    }

    private static MulticlassPredictionTransformer<OneVersusAllModelParameters> Named(
        MLContext ml, StockScorer.OfLabels scorer, string input)
    {
        var names = scorer.Names;
        LinearBinaryModelParameters[] identity = [.. names.Select((_, i) =>
        {
            var weights = new VBuffer<float>(names.Count, 1, [1f], [i]);
            return new LinearBinaryModelParameters(ml, in weights, 0);
        })];
        var host = ((IHostEnvironment)ml).Register(nameof(OnnxScorer));
        var all = OneVersusAllModelParameters.Create(host, OneVersusAllModelParameters.OutputFormula.Raw, identity);
        var values = new VBuffer<ReadOnlyMemory<char>>(names.Count, [.. names.Select(name => name.AsMemory())]);
        var labels = new DataViewSchema.Annotations.Builder();
        labels.Add(
            "KeyValues", new VectorDataViewType(TextDataViewType.Instance, names.Count),
            (ref VBuffer<ReadOnlyMemory<char>> value) => values.CopyTo(ref value));
        var schema = Raw(input, names.Count, scorer.Columns.Label, labels);
        return new(ml, all, schema, input, scorer.Columns.Label, Score, PredictedLabel);
    }

    private static void RequireTwo(IReadOnlyList<string> names, string what)
    {
        if (names.Count < 2)
        {
            throw new NotSupportedException(
                $"The model has one {what} ('{names[0]}'), and ML.NET's multiclass scorers want two. Export the network alone, with "
                + "ExportOnnx.");
        }
    }

    // The schema of ApplyOnnxModel's output, and the label if there is one.
    private static DataViewSchema Raw(string name, int length, string label = "", DataViewSchema.Annotations.Builder? labels = null)
    {
        var schema = new DataViewSchema.Builder();
        schema.AddColumn(name, new VectorDataViewType(NumberDataViewType.Single, 1, length));
        if (labels is not null)
            schema.AddColumn(label, new KeyDataViewType(typeof(uint), length), labels.ToAnnotations());
        return schema.ToSchema();
    }

    private static EmptyDataView View(MLContext ml, string column, int length)
    {
        var schema = new DataViewSchema.Builder();
        schema.AddColumn(column, new VectorDataViewType(NumberDataViewType.Single, length));
        return new EmptyDataView(ml, schema.ToSchema());
    }
}
