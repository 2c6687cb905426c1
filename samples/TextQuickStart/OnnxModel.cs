using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune;

namespace TextQuickStart;

/// <summary>The model for programs that score with ONNX Runtime, without libtorch.</summary>
internal static class OnnxModel
{
    /// <summary>Saves tokenizer, network and classes.</summary>
    public static void Save(
        MLContext ml, TransformerChain<KeyToValueMappingTransformer> model, IDataView tickets, string path)
    {
        ITransformer chain = ml.FineTuning.ToOnnxPipeline(model.OfType<FineTuningTransformer>().Single(), tickets.Schema);
        using var owned = (IDisposable)chain;
        ITransformer names = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(chain.Transform(tickets));
        ml.Model.Save(new TransformerChain<ITransformer>(chain, names), tickets.Schema, path);
    }
}
