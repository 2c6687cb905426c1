using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A fine-tuned image network as a chain of ML.NET's own transformers. The last one is a linear model with identity weights
/// (<see cref="OnnxScorer"/>): its raw scores are the network's, and ML.NET derives the other columns as for its own trainers.
/// </summary>
internal static class OnnxPipeline
{
    private const string Image = "MlNetFineTune.Image";
    private const string Kept = "MlNetFineTune.Score";
    private const string Score = AnnotationUtils.Const.ScoreValueKind.Score;

    /// <param name="ml">Context of the chain.</param>
    /// <param name="model">The model; it is not disposed, and the chain does not use it.</param>
    /// <param name="schema">Schema of the data to score.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="oversampling">Horizontal and vertical factor of ML.NET's image size to the network's.</param>
    public static ITransformer Of(
        MLContext ml, FineTuningTransformer model, DataViewSchema schema, OnnxPrecision precision, int oversampling)
    {
        if (model.Inputs is not ImageInput images)
        {
            throw new NotSupportedException(
                $"The model sees {model.Inputs.Form}, and this chain prepares pictures for a backbone. Export the network alone, "
                + $"with ExportOnnx, and give ApplyOnnxModel its input "
                + $"'{(model.Inputs.Pixels is null ? ClassifierGraph.NumbersInput : ClassifierGraph.Input)}'.");
        }
        var scorer = OnnxScorer.Of(ml, model);
        if (schema.GetColumnOrNull(scorer.Input) is not null)
        {
            throw new NotSupportedException(
                $"The data have a column '{scorer.Input}', as the network's output is called in a chain of ML.NET's transformers: "
                + "rename it.");
        }
        var onnxContext = OnnxDevice.Choose(ml);
        using var file = new TemporaryFile(ml, ".onnx");
        var side = OnnxExport.WriteUncropped(ml, model, precision, file.Path, oversampling);
        var chain = new List<ITransformer>();
        try
        {
            IDataView view = new EmptyDataView(ml, schema);
            // ML.NET's scorer has a fixed name for its score column; if the model uses another name, a data column with the fixed name is
            // renamed temporarily.
            var isRenamed = scorer.Score != Score;
            var isTaken = isRenamed && schema.GetColumnOrNull(Score) is not null;
            if (isTaken)
                Add(ml.Transforms.CopyColumns(Kept, Score).Fit(view));
            Add(Images(ml, images.Column, schema));
            Add(ml.Transforms.ResizeImages(Image, side, side, resizing: ImageResizingEstimator.ResizingKind.IsoCrop).Fit(view));
            Add(ml.Transforms.ExtractPixels(ClassifierGraph.Input, Image, outputAsFloatArray: false).Fit(view));
            Add(Network(onnxContext, scorer.Input, file.Path, view));
            Add(scorer.Transformer);
            if (isRenamed)
                Add(ml.Transforms.CopyColumns(scorer.Score, Score).Fit(view));
            if (isTaken)
                Add(ml.Transforms.CopyColumns(Score, Kept).Fit(view));
            string[] others = isTaken ? [Kept] : isRenamed ? [Score] : [];
            Add(ml.Transforms.DropColumns([Image, ClassifierGraph.Input, scorer.Input, .. others]).Fit(view));
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

    // ApplyOnnxModel's transformer reads its file again when it is saved.
    // A loaded transformer has its own file and deletes it when disposed.
    private static GuardedOnnx Network(MLContext ml, string output, string file, IDataView view)
    {
        using var fitted = ml.Transforms.ApplyOnnxModel(output, ClassifierGraph.Input, file).Fit(view);
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
}
