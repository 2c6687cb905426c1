using Microsoft.ML;
using Microsoft.ML.Data;
using TabularNetwork;
using static TorchSharp.torch;

namespace MlNetFineTune.Documents;

[ModuleFactory("TabularNetwork.Delivery")] // by this name a saved model finds its factory
public sealed class DeliveryNetworkFactory : ModuleFactory
{
    public int Width { get; init; } = 64; // settings are saved with the model
    public int Embedding { get; init; } = 8;
    public double Dropout { get; init; } = 0.1;

    public override nn.Module Create(ModuleContext context) => new DeliveryNetwork(context, Width, Embedding, Dropout);
}

/// <summary>Code of README.md, after its first example, which is Program.cs.</summary>
internal static class ReadmePage
{
    public static void Module(
        MLContext ml, IDataView train, IDataView test, EstimatorChain<ITransformer> toKeys, IEstimator<ITransformer> numbers,
        string[] categories)
    {
        var network = toKeys.Append(numbers).Append(ml.BinaryClassification.Trainers.FineTuneModule(new ModuleFineTuningOptions
        {
            Factory = new DeliveryNetworkFactory(),
            Inputs = ["Numbers", .. categories.Select(name => (ModuleInput)name)],
            Epochs = 10,
            BatchSize = 128,
            LearningRate = 0.003f,
        }));
        var metrics = ml.BinaryClassification.Evaluate(network.Fit(train).Transform(test));
    }
}
