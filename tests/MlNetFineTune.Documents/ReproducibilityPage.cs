using Microsoft.ML;
using TorchSharp;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/reproducibility.md.</summary>
internal static class ReproducibilityPage
{
    public static (MLContext Context, ImageFineTuningOptions Options) Fixed(Backbone backbone)
    {
        var ml = new MLContext(seed: 1);
        torch.set_num_threads(2); // TorchSharp; by default the number of cores
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            Seed = 7, // default: the seed of the context, else 0
            Precision = Precision.Float32, // the default
        };
        return (ml, options);
    }
}
