using Microsoft.ML;
using static TorchSharp.torch;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/modules.md.</summary>
internal static class ModulesPage
{
    public static ITransformer Load(MLContext ml)
    {
        var model = ml.Model.Load("deliveries.zip", out _);
        return model;
    }

    public static void Importance(MLContext ml, ITransformer model, IDataView test)
    {
        // A slot's name, and how much worse the metrics get where it is shuffled.
        var importance = ml.Regression.PermutationFeatureImportance(model, test, "Number");
    }
}

/// <summary>Code of docs/modules.md: a branch for each input, and a head on them.</summary>
[ModuleFactory("Documents.Branches")]
public sealed class BranchesFactory : ModuleFactory
{
    public override nn.Module Create(ModuleContext context) => new InputBranches(
        [("numbers", nn.Identity()), ("color", nn.Embedding(context.Inputs[1].KeyCount, 3))],
        nn.Sequential(("hidden", nn.Linear(context.Inputs[0].Size + 3, 16)), ("relu", nn.ReLU()),
            ("out", nn.Linear(16, context.Outputs))));
}
