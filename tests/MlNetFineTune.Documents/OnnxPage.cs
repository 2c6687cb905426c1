using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Transforms.Onnx;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/onnx.md.</summary>
internal static class OnnxPage
{
    public static void Export(MLContext ml, ITransformer model, IDataView photos)
    {
        ml.FineTuning.ExportOnnx(model, "photos.onnx");

        ITransformer stock = ml.FineTuning.ToOnnxPipeline(model, photos.Schema);
        ml.Model.Save(stock, photos.Schema, "photos-stock.zip"); // can be loaded with only ML.NET
    }

    public static void Run(MLContext ml, ITransformer model, Tensor<float> pixels)
    {
        ml.FineTuning.ExportOnnx(model, "fruit.onnx"); // TableColumns = ["Weight", "PlaceKey"], MissingPictures.Allow
        using var session = new InferenceSession("fruit.onnx");
        session.Run([
            NamedOnnxValue.CreateFromTensor("pixels", pixels), // [1, 3, 224, 224]
            NamedOnnxValue.CreateFromTensor("Weight", new DenseTensor<float>(new[] { float.NaN }, [1, 1])),
            NamedOnnxValue.CreateFromTensor("PlaceKey", new DenseTensor<uint>(new[] { 2u }, [1, 1])),
            NamedOnnxValue.CreateFromTensor("missing_picture", new DenseTensor<float>(new[] { 0f }, [1, 1]))]);
    }

    public static void Threads(MLContext ml)
    {
        ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 }); // Microsoft.ML.Transforms.Onnx
    }
}
