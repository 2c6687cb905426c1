using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A fine-tuned image classifier as a chain of ML.NET's own transformers. Its last one is a maximum-entropy model whose weights are the identity (over the temperature of calibrated probabilities): its raw scores are the network's, and
/// ML.NET does with them what it does for its own trainers: softmax, slot names, the predicted label with the key values.
/// </summary>
internal static class OnnxPipeline
{
    private const string Image = "MlNetFineTune.Image";

    /// <param name="ml">The chain's.</param>
    /// <param name="model">Not disposed, and not needed by the chain.</param>
    /// <param name="schema">Of the data to score.</param>
    /// <param name="precision">Of the numbers in the network's file.</param>
    /// <param name="oversampling">Pixels that ML.NET makes of each that the network sees, across and down.</param>
    public static ITransformer Of(MLContext ml, ImageFineTuningTransformer model, DataViewSchema schema, OnnxPrecision precision, int oversampling)
    {
        if (model.Keys.Count < 2)
            throw new NotSupportedException($"The model has one class ('{model.Classes[0]}'), and ML.NET's multiclass scorers want two. Export the network alone, with ExportOnnx.");
        var columns = model.Manifest.Columns;
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            var side = OnnxExport.WriteUncropped(model, precision, file, oversampling);
            var chain = new List<ITransformer>();
            IDataView view = new EmptyDataView(ml, schema);
            Add(Images(ml, columns.Input, schema));
            Add(ml.Transforms.ResizeImages(Image, side, side, resizing: ImageResizingEstimator.ResizingKind.IsoCrop).Fit(view));
            Add(ml.Transforms.ExtractPixels(ClassifierGraph.Input, Image, outputAsFloatArray: false).Fit(view));
            Add(ml.Transforms.ApplyOnnxModel(ClassifierGraph.LogitsOutput, ClassifierGraph.Input, file).Fit(view));
            Add(Scorer(ml, model.Keys, columns, 1 / (model.Calibration?.Temperature ?? 1)));
            Add(ml.Transforms.DropColumns(Image, ClassifierGraph.Input, ClassifierGraph.LogitsOutput).Fit(view));
            using var fitted = new TransformerChain<ITransformer>([.. chain]);
            return Owning(ml, fitted);

            void Add(ITransformer transformer)
            {
                chain.Add(transformer);
                view = transformer.Transform(view);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    // ApplyOnnxModel's transformer reads its file again when it is saved. One that was loaded has a file of its own, and deletes it when it is disposed.
    private static ITransformer Owning(MLContext ml, ITransformer chain)
    {
        using var zip = new MemoryStream();
        ml.Model.Save(chain, null, zip);
        return ml.Model.Load(zip, out _);
    }

    private static ITransformer Images(MLContext ml, ImageInput input, DataViewSchema schema)
    {
        var empty = new EmptyDataView(ml, schema);
        var column = input.In(schema, ml, nameof(schema), "image");
        return column.Type switch
        {
            TextDataViewType => ml.Transforms.LoadImages(Image, input.Folder, column.Name).Fit(empty),
            ImageDataViewType => ml.Transforms.CopyColumns(Image, column.Name).Fit(empty),
            _ => throw new NotSupportedException($"ML.NET has no transformer that makes images of {column.Type} (column '{column.Name}'). Give the pipeline paths or images, or use ExportOnnx and decode yourself."),
        };
    }

    // Trained, as far as ML.NET is concerned, on a column of raw scores and a label with the model's keys.
    private static MulticlassPredictionTransformer<MaximumEntropyModelParameters> Scorer(MLContext ml, LabelKeys keys, Scoring.ColumnManifest columns, float scale)
    {
        var classes = keys.Count;
        var identity = Enumerable.Range(0, classes).Select(i => new VBuffer<float>(classes, 1, [scale], [i])).ToArray();
        var linear = new MaximumEntropyModelParameters(ml, identity, new float[classes], classes, classes, [.. keys.Names]);

        var labels = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labels, AnnotationUtils.Kinds.KeyValues);
        var schema = new DataViewSchema.Builder();
        schema.AddColumn(ClassifierGraph.LogitsOutput, new VectorDataViewType(NumberDataViewType.Single, 1, classes)); // as ApplyOnnxModel describes it
        schema.AddColumn(columns.Label, new KeyDataViewType(typeof(uint), classes), labels.ToAnnotations());
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(
            ml, linear, schema.ToSchema(), ClassifierGraph.LogitsOutput, columns.Label, columns.Score, columns.PredictedLabel);
    }
}
