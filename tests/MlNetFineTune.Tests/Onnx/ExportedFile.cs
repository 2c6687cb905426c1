using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>A model as ONNX Runtime computes it.</summary>
internal sealed class ExportedFile : IDisposable
{
    private readonly Folder _folder = new();
    private readonly InferenceSession _session;

    public ExportedFile(MLContext ml, FineTuningTransformer model, OnnxPrecision? precision = null)
    {
        ml.FineTuning.ExportOnnx(model, _folder.File("model.onnx"), precision);
        _session = new InferenceSession(_folder.File("model.onnx"));
    }

    public string[] Inputs => [.. _session.InputNames];

    public string[] Outputs => [.. _session.OutputNames];

    public IReadOnlyDictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    /// <returns>The numbers of each output, row after row.</returns>
    public Dictionary<string, float[]> Run(params NamedOnnxValue[] inputs)
    {
        using var results = _session.Run(inputs);
        return results.ToDictionary(result => result.Name, result => result.AsEnumerable<float>().ToArray(), StringComparer.Ordinal);
    }

    /// <summary>The pictures of the first rows, as the model reads them: [rows, 3, size, size].</summary>
    /// <param name="model">Reads.</param>
    /// <param name="view">The rows.</param>
    /// <param name="rows">So many.</param>
    /// <param name="size">Of a picture.</param>
    /// <param name="offset">Bytes before the pixels in an encoded sample.</param>
    public static DenseTensor<float> Pixels(FineTuningTransformer model, IDataView view, int rows, int size, int offset = 0)
    {
        var pixels = new DenseTensor<float>([rows, 3, size, size]);
        using var cursor = view.GetRowCursor(model.Inputs.ColumnsOf(model.Host, view.Schema));
        using var reader = model.Inputs.Read(model.Host, cursor, places: 1);
        var sample = new byte[reader.Length];
        for (var row = 0; row < rows && cursor.MoveNext(); row++)
        {
            reader.Take(0);
            Assert.IsNull(reader.Encode(0, Augmentation.None, sample));
            for (var i = 0; i < 3 * size * size; i++)
                pixels[row, i % 3, i / 3 / size, i / 3 % size] = sample[offset + i]; // [H, W, 3] -> [3, H, W]
        }
        return pixels;
    }

    public static NamedOnnxValue Input(string name, DenseTensor<float> values) => NamedOnnxValue.CreateFromTensor(name, values);

    /// <summary>One row of numbers after another.</summary>
    public static NamedOnnxValue Numbers(string name, IEnumerable<float> values, params int[] shape) =>
        NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(values.ToArray(), shape));

    /// <summary>Keys as ML.NET counts them.</summary>
    public static NamedOnnxValue Keys(string name, IEnumerable<uint> values, params int[] shape) =>
        NamedOnnxValue.CreateFromTensor(name, new DenseTensor<uint>(values.ToArray(), shape));

    public void Dispose()
    {
        _session.Dispose();
        ((IDisposable)_folder).Dispose();
    }
}
