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
/// ML.NET's scorer that follows the network in a chain: a linear model of the network's outputs with identity weights, divided by the
/// temperature if probabilities are calibrated. ML.NET adds the usual columns: softmax or sigmoid, names, the predicted label.
/// </summary>
/// <param name="Input">The network's output that the scorer reads.</param>
/// <param name="Score">Name of the model's score column; the scorer's own name for it is "Score".</param>
/// <param name="Transformer">The scorer; to ML.NET, a model trained on a column of raw scores.</param>
internal sealed record OnnxScorer(string Input, string Score, ITransformer Transformer)
{
    private const string ScoreOfMlNet = AnnotationUtils.Const.ScoreValueKind.Score;

    /// <exception cref="NotSupportedException">ML.NET has no scorer for the task or for its column names.</exception>
    public static OnnxScorer Of(MLContext ml, FineTuningTransformer model)
    {
        var scale = 1 / (model.Calibration?.Temperature ?? 1);
        return model.Manifest.Task switch
        {
            MulticlassManifest task => new(GraphOutput.Logits, task.Columns.Score, OfClasses(ml, model.Task.Keys!, task.Columns, scale)),
            OrdinalManifest task => new(GraphOutput.Logits, task.Columns.Score, OfClasses(ml, model.Task.Keys!, task.Columns, scale)),
            BinaryManifest task => new(GraphOutput.Logit, task.Columns.Score, OfTwo(ml, task, scale)),
            RegressionManifest task => new(GraphOutput.Score, task.Columns.Score, OfNumber(ml)),
            _ => throw new NotSupportedException(
                "ML.NET has no scorer for the model's task, so that no chain of its own transformers can be made. "
                    + "Export the network alone, "
                + "with ExportOnnx."),
        };
    }

    private static MulticlassPredictionTransformer<MaximumEntropyModelParameters> OfClasses(
        MLContext ml, LabelKeys keys, TaskColumns columns, float scale)
    {
        var classes = keys.Count;
        if (classes < 2)
        {
            throw new NotSupportedException(
                $"The model has one class ('{keys.Names[0]}'), and ML.NET's multiclass scorers want two. Export the network alone, with "
                + "ExportOnnx.");
        }
        var identity = Enumerable.Range(0, classes).Select(i => new VBuffer<float>(classes, 1, [scale], [i])).ToArray();
        var linear = new MaximumEntropyModelParameters(ml, identity, new float[classes], classes, classes, [.. keys.Names]);

        var labels = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labels, AnnotationUtils.Kinds.KeyValues);
        var schema = Raw(GraphOutput.Logits, classes);
        schema.AddColumn(columns.Label, new KeyDataViewType(typeof(uint), classes), labels.ToAnnotations());
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(
            ml, linear, schema.ToSchema(), GraphOutput.Logits, columns.Label, ScoreOfMlNet, columns.PredictedLabel);
    }

    // Platt's calibrator with a slope of -1 is the sigmoid of the score: 1 / (1 + e^(slope * score + offset)).
    private static ITransformer OfTwo(MLContext ml, BinaryManifest task, float scale)
    {
        var columns = task.Columns;
        if (columns.Probability != DefaultColumnNames.Probability || columns.PredictedLabel != DefaultColumnNames.PredictedLabel)
        {
            throw new NotSupportedException(
                $"The model's columns are called '{columns.Probability}' and '{columns.PredictedLabel}', "
                    + "and ML.NET's binary scorer calls them "
                + $"'{DefaultColumnNames.Probability}' and '{DefaultColumnNames.PredictedLabel}' always. "
                + "Train with these names, or export the "
                + "network alone, with ExportOnnx.");
        }
        var weights = new VBuffer<float>(1, [scale]);
        var linear = new LinearBinaryModelParameters(ml, in weights, 0);
        var sigmoid = new PlattCalibrator(ml, slope: -1, offset: 0);
        return new BinaryPredictionTransformer<ParameterMixingCalibratedModelParameters<LinearBinaryModelParameters, PlattCalibrator>>(
            ml, new(ml, linear, sigmoid), Raw(GraphOutput.Logit, 1).ToSchema(), GraphOutput.Logit, task.Threshold);
    }

    private static RegressionPredictionTransformer<LinearRegressionModelParameters> OfNumber(MLContext ml)
    {
        var weights = new VBuffer<float>(1, [1f]);
        return new(ml, new LinearRegressionModelParameters(ml, in weights, 0), Raw(GraphOutput.Score, 1).ToSchema(), GraphOutput.Score);
    }

    // Schema of the column as ApplyOnnxModel declares it.
    private static DataViewSchema.Builder Raw(string name, int length)
    {
        var schema = new DataViewSchema.Builder();
        schema.AddColumn(name, new VectorDataViewType(NumberDataViewType.Single, 1, length));
        return schema;
    }
}
