using Microsoft.ML;

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
