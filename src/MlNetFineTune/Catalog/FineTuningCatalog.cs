using Microsoft.ML;

namespace MlNetFineTune;

/// <summary>What has no home on ML.NET's own catalogs: <c>ml.FineTuning</c>. Extension methods of this library and of MlNetFineTune.Onnx add to it.</summary>
public sealed partial class FineTuningCatalog
{
    internal FineTuningCatalog(MLContext context) => Context = context;

    internal MLContext Context { get; }
}
