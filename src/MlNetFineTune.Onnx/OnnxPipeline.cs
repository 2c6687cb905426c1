using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A fine-tuned network as a chain of ML.NET's own transformers: they compute the tensors that the input declares
/// (<see cref="ModelInput.ToTensors"/>), the network's outputs, and the columns of each head (<see cref="OnnxScorer"/>). For texts, of
/// which ML.NET has neither tokens nor batches, <see cref="OnnxTextTransformer"/> computes the outputs.
/// </summary>
internal static class OnnxPipeline
{
    // Prefix of the chain's intermediate columns, which are dropped at its end.
    public const string Own = "MlNetFineTune.";

    private const string Aside = Own + "Aside.";
    private const string Inputs = Own + "Input.";
    private const string Outputs = Own + "Output.";

    /// <param name="ml">Context of the chain.</param>
    /// <param name="model">The model; it is not disposed, and the chain does not use it.</param>
    /// <param name="schema">Schema of the data to score.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="oversampling">Horizontal and vertical factor of ML.NET's image size to the network's.</param>
    public static ITransformer Of(
        MLContext ml, FineTuningTransformer model, DataViewSchema schema, OnnxPrecision precision, int oversampling)
    {
        OnnxScorer[] scorers = [.. model.Task.Heads.Select(head => OnnxScorer.Of(ml, head.Task.ToStockScorer(), Outputs + head.Prefix))];
        using var file = new TemporaryFile(ml, ".onnx");
        var chain = new Chain(ml, schema);
        try
        {
            // ML.NET's scorers have fixed names for their columns. If the model uses other names, data columns with the fixed names are
            // renamed temporarily.
            var all = scorers.SelectMany(scorer => scorer.Columns).ToList();
            string[] lent = [.. all.Select(column => column.OfMlNet).Distinct().Except(all.Select(column => column.OfModel))];
            string[] taken = [.. lent.Where(name => schema.GetColumnOrNull(name) is not null)];
            chain.Copy([.. taken.Select(name => (Aside + name, name))]);
            if (model.Inputs is TextInput texts)
                chain.Add(OfTexts(texts));
            else
                AddTensorsAndNetwork();
            foreach (var scorer in scorers)
            {
                foreach (var step in scorer.Steps)
                    chain.Add(step);
                chain.Copy([.. scorer.Columns.Where(column => column.OfMlNet != column.OfModel)
                    .Select(column => (column.OfModel, column.OfMlNet))]);
            }
            chain.Copy([.. taken.Select(name => (name, Aside + name))]);
            chain.Drop([.. lent.Except(taken)]);
            return chain.ToTransformer();
        }
        catch
        {
            chain.Dispose();
            throw;
        }

        void AddTensorsAndNetwork()
        {
            IReadOnlyList<TensorColumn> tensors =
                [.. model.Inputs.ToTensors().Select(tensor => tensor with { Name = Inputs + tensor.Name })];
            var maker = new TensorMaker(ml, chain, schema, oversampling);
            foreach (var tensor in tensors)
                tensor.MakeBy(maker);
            var outputs = OnnxExport.WriteUncropped(ml, model, precision, file.Path, oversampling, tensors, Outputs);
            chain.Add(Network(
                OnnxDevice.Choose(ml), [.. outputs.Select(output => output.Value.Name)], [.. tensors.Select(tensor => tensor.Name)],
                file.Path, chain.View));
        }

        OnnxTextTransformer OfTexts(TextInput texts)
        {
            texts.ColumnsOf(ml, schema, ""); // an error before the network is written
            var outputs = OnnxExport.WriteUncropped(ml, model, precision, file.Path, oversampling, texts.ToTensors(), Outputs);
            return OnnxTextTransformer.Create(
                ml, texts, [.. outputs.Select(output => new OnnxTextOutput(output.Value.Name, output.Length))], file.Path);
        }
    }

    // ApplyOnnxModel's transformer reads its file again when it is saved.
    // A loaded transformer has its own file and deletes it when disposed.
    private static GuardedOnnx Network(MLContext ml, string[] outputs, string[] inputs, string file, IDataView view)
    {
        using var fitted = ml.Transforms.ApplyOnnxModel(outputs, inputs, file).Fit(view);
        using var zip = new MemoryStream();
        ml.Model.Save(fitted, null, zip);
        return new GuardedOnnx(ml, (OnnxTransformer)LoadAgainIfNamedOrt(() => ml.Model.Load(zip, out _)));
    }

    /// <summary>
    /// Loads a network by ML.NET, which writes it to a file with a random name. One name in 32,768 ends in ".ort", and ONNX Runtime then
    /// takes the file for its own format and refuses it: another attempt has another name.
    /// </summary>
    internal static T LoadAgainIfNamedOrt<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when ($"{e}".Contains("ORT model verification failed", StringComparison.Ordinal))
        {
            return load();
        }
    }

    /// <summary>A sequence of transformers, each fitted to the output of the previous ones.</summary>
    private sealed class Chain(MLContext ml, DataViewSchema schema) : IDisposable
    {
        private readonly List<ITransformer> _transformers = [];

        public IDataView View { get; private set; } = new EmptyDataView(ml, schema);

        public void Add(ITransformer transformer)
        {
            _transformers.Add(transformer);
            View = transformer.Transform(View);
        }

        public void Copy((string Output, string Input)[] columns)
        {
            foreach (var (output, input) in columns)
                Add(ml.Transforms.CopyColumns(output, input).Fit(View));
        }

        /// <summary>Those of the data and the chain's own.</summary>
        public void Drop(string[] columns) => Add(
            ml.Transforms.DropColumns([.. columns, .. View.Schema.Select(column => column.Name).Distinct()
                .Where(name => name.StartsWith(Own, StringComparison.Ordinal) && schema.GetColumnOrNull(name) is null)]).Fit(View));

        public TransformerChain<ITransformer> ToTransformer() => new([.. _transformers]);

        public void Dispose()
        {
            foreach (var transformer in _transformers.OfType<IDisposable>())
                transformer.Dispose();
        }
    }

    /// <summary>Computes the tensors by ML.NET's transforms.</summary>
    private sealed class TensorMaker(MLContext ml, Chain chain, DataViewSchema schema, int oversampling) : ITensorMaker
    {
        public void Make(PixelTensor pixels)
        {
            var (image, column, side) =
                (pixels.Name + ".Image", pixels.Image.In(schema, ml, nameof(schema), "image"), pixels.Side(oversampling));
            chain.Add(column.Type switch
            {
                TextDataViewType => ml.Transforms.LoadImages(image, pixels.Image.Folder, column.Name).Fit(chain.View),
                ImageDataViewType => ml.Transforms.CopyColumns(image, column.Name).Fit(chain.View),
                _ => throw new NotSupportedException(
                    $"ML.NET has no transformer that makes images of {column.Type} (column '{column.Name}'). "
                    + "Give the pipeline paths or images, or use ExportOnnx and decode yourself."),
            });
            chain.Add(ml.Transforms.ResizeImages(image, side, side, resizing: ImageResizingEstimator.ResizingKind.IsoCrop).Fit(chain.View));
            chain.Add(ml.Transforms.ExtractPixels(pixels.Name, image, outputAsFloatArray: false).Fit(chain.View));
        }

        public void Make(NumberTensor numbers)
        {
            var shape = numbers.Shape;
            var column = new NumberInput(shape, numbers.AllowsMissing ? TableColumns.Role : "module input").ColumnsOf(ml, schema, "")[0];
            if (numbers.IsOfKeys && ((column.Type as VectorDataViewType)?.ItemType ?? column.Type).RawType != typeof(uint))
            {
                throw new NotSupportedException(
                    $"The keys of column '{column.Name}' are {column.Type}, and ApplyOnnxModel takes those of UInt32, as MapValueToKey "
                    + "makes them: convert the column (Conversion.ConvertType, DataKind.UInt32).");
            }
            chain.Copy([(numbers.Name, column.Name)]);
        }

        // For a row without a picture ResizeImages returns the disposed picture of the previous row.
        public void Make(MissingPictureTensor missing) => throw new NotSupportedException(
            "The model takes rows without a picture (MissingPictures), at which ML.NET's ResizeImages fails. Export the network alone, "
            + $"with ExportOnnx: its input '{MissingPictureTensor.Only}' is 1 for such a row, and the pixels may be anything then.");
    }
}
