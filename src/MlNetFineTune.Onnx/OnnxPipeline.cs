using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A fine-tuned image classifier as a chain of ML.NET's own transformers. Its last one is a maximum-entropy model whose weights are the
/// identity (over the temperature of calibrated probabilities): its raw scores are the network's, and ML.NET does with them what it does
/// for its own trainers: softmax, slot names, the predicted label with the key values.
/// </summary>
internal static class OnnxPipeline
{
    private const string Image = "MlNetFineTune.Image";
    private const string Kept = "MlNetFineTune.Score";
    private const string Score = AnnotationUtils.Const.ScoreValueKind.Score;

    /// <param name="ml">The chain's.</param>
    /// <param name="model">Not disposed, and not needed by the chain.</param>
    /// <param name="schema">Of the data to score.</param>
    /// <param name="precision">Of the numbers in the network's file.</param>
    /// <param name="oversampling">Pixels that ML.NET makes of each that the network sees, across and down.</param>
    public static ITransformer Of(
        MLContext ml, FineTuningTransformer model, DataViewSchema schema, OnnxPrecision precision, int oversampling)
    {
        var columns = ColumnsOf(model);
        if (model.Classes.Count < 2)
            throw new NotSupportedException(
                $"The model has one class ('{model.Classes[0]}'), and ML.NET's multiclass scorers want two. "
                + "Export the network alone, with ExportOnnx.");
        if (model.Inputs is not ImageInput images)
        {
            throw new NotSupportedException(
                $"The model sees {model.Inputs.Form}, and this chain prepares pictures for a backbone. Export the network alone, "
                + $"with ExportOnnx, and give ApplyOnnxModel its input "
                + $"'{(model.Inputs.Pixels is null ? ClassifierGraph.NumbersInput : ClassifierGraph.Input)}'.");
        }
        var onnxContext = OnnxDevice.Choose(ml);
        using var file = new TemporaryFile(ml, ".onnx");
        var side = OnnxExport.WriteUncropped(ml, model, precision, file.Path, oversampling);
        var chain = new List<ITransformer>();
        try
        {
            IDataView view = new EmptyDataView(ml, schema);
            // ML.NET's scorer can call its scores by one name alone; where the model has another, a column of the data that has that one
            // stands aside.
            var isRenamed = columns.Score != Score;
            var isTaken = isRenamed && schema.GetColumnOrNull(Score) is not null;
            if (isTaken)
                Add(ml.Transforms.CopyColumns(Kept, Score).Fit(view));
            Add(Images(ml, images.Column, schema));
            Add(ml.Transforms.ResizeImages(Image, side, side, resizing: ImageResizingEstimator.ResizingKind.IsoCrop).Fit(view));
            Add(ml.Transforms.ExtractPixels(ClassifierGraph.Input, Image, outputAsFloatArray: false).Fit(view));
            Add(Network(onnxContext, file.Path, view));
            Add(Scorer(ml, model.Task.Keys!, columns, 1 / (model.Calibration?.Temperature ?? 1)));
            if (isRenamed)
                Add(ml.Transforms.CopyColumns(columns.Score, Score).Fit(view));
            if (isTaken)
                Add(ml.Transforms.CopyColumns(Score, Kept).Fit(view));
            string[] others = isTaken ? [Kept] : isRenamed ? [Score] : [];
            Add(ml.Transforms.DropColumns([Image, ClassifierGraph.Input, ClassifierGraph.LogitsOutput, .. others]).Fit(view));
            return new TransformerChain<ITransformer>([.. chain]);

            void Add(ITransformer transformer)
            {
                chain.Add(transformer);
                view = transformer.Transform(view);
            }
        }
        catch
        {
            foreach (var transformer in chain.OfType<IDisposable>())
                transformer.Dispose();
            throw;
        }
    }

    private static TaskColumns ColumnsOf(FineTuningTransformer model) => model.Manifest.Task is MulticlassManifest task
        ? task.Columns
        : throw new NotSupportedException(
            "A chain of ML.NET's own transformers is made of classifiers of several classes. Export the network alone, with ExportOnnx.");

    // ApplyOnnxModel's transformer reads its file again when it is saved.
    // One that was loaded has a file of its own, and deletes it when it is disposed.
    private static GuardedOnnx Network(MLContext ml, string file, IDataView view)
    {
        using var fitted = ml.Transforms.ApplyOnnxModel(ClassifierGraph.LogitsOutput, ClassifierGraph.Input, file).Fit(view);
        using var zip = new MemoryStream();
        ml.Model.Save(fitted, null, zip);
        return new GuardedOnnx(ml, (OnnxTransformer)ml.Model.Load(zip, out _));
    }

    private static ITransformer Images(MLContext ml, ImageColumn input, DataViewSchema schema)
    {
        var empty = new EmptyDataView(ml, schema);
        var column = input.In(schema, ml, nameof(schema), "image");
        return column.Type switch
        {
            TextDataViewType => ml.Transforms.LoadImages(Image, input.Folder, column.Name).Fit(empty),
            ImageDataViewType => ml.Transforms.CopyColumns(Image, column.Name).Fit(empty),
            _ => throw new NotSupportedException(
                $"ML.NET has no transformer that makes images of {column.Type} (column '{column.Name}'). "
                + "Give the pipeline paths or images, or use ExportOnnx and decode yourself."),
        };
    }

    // Trained, as far as ML.NET is concerned, on a column of raw scores and a label with the model's keys.
    private static MulticlassPredictionTransformer<MaximumEntropyModelParameters> Scorer(
        MLContext ml, LabelKeys keys, TaskColumns columns, float scale)
    {
        var classes = keys.Count;
        var identity = Enumerable.Range(0, classes).Select(i => new VBuffer<float>(classes, 1, [scale], [i])).ToArray();
        var linear = new MaximumEntropyModelParameters(ml, identity, new float[classes], classes, classes, [.. keys.Names]);

        var labels = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labels, AnnotationUtils.Kinds.KeyValues);
        var schema = new DataViewSchema.Builder();
        // as ApplyOnnxModel describes it
        schema.AddColumn(ClassifierGraph.LogitsOutput, new VectorDataViewType(NumberDataViewType.Single, 1, classes));
        schema.AddColumn(columns.Label, new KeyDataViewType(typeof(uint), classes), labels.ToAnnotations());
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(
            ml, linear, schema.ToSchema(), ClassifierGraph.LogitsOutput, columns.Label, Score, columns.PredictedLabel);
    }
}
