using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Support;

/// <summary>The training loop on small pictures, with a plan of the test's own and the network in its hands.</summary>
internal static class DirectTraining
{
    /// <summary>Two epochs of the head, then the rest with the last stage, then with all.</summary>
    public static TrainingPlan Unfreezing(ImageFineTuningOptions options)
    {
        var stages = options.Backbone.Stages.Count;
        return new([PlanPart.Of(stages, 0, 1, 2), PlanPart.Of(stages, 1, 0.5f, options.Epochs - 3), PlanPart.Of(stages, stages, 0.5f, 1)]);
    }

    public static TrainingPlan Full(ImageFineTuningOptions options) =>
        options.Strategy.Resolve(options.Backbone.Name, options.Backbone.Stages, options.Epochs);

    /// <param name="options">Their strategy is not asked.</param>
    /// <param name="plan">What trains.</param>
    /// <param name="photos">To train with and to judge by.</param>
    /// <param name="look">Sees the network when everything is ready; what it gives is told of progress.</param>
    /// <returns>What happened, and every tensor afterwards.</returns>
    public static (TrainingReport Report, Dictionary<string, double[]> Tensors) Run(
        ImageFineTuningOptions options, TrainingPlan plan, Photo[] photos, Func<ImageClassifier, IProgress<TrainingProgress>>? look = null)
    {
        var ml = new MLContext();
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        using var fit = new FitScope(ml, "test", "test", options.Seed);
        var keys = LabelKeys.Of(view.Schema["Label"]);
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, options, new ImageSource(options.ImageInput, new ImageEncoder(options.Backbone.Preprocessing)),
            new ClassLabels("Label", keys), fit.Seed);
        using var network = ImageClassifier.Create(options.Backbone, keys.Count, fit.Seed);
        using var loop = new TrainingLoop(
            network, new MulticlassObjective(keys.Count, options.Loss), plan, data,
            look is null ? options : options with { Progress = look(network) }, fit.Seed, fit.Host, fit.Channel);
        var report = loop.Run();
        return (report, Tensors(network));
    }

    public static Dictionary<string, double[]> Tensors(ImageClassifier network) =>
        network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal);

    /// <summary>Bit for bit.</summary>
    public static void AssertSame(Dictionary<string, double[]> expected, Dictionary<string, double[]> actual, string what)
    {
        foreach (var (name, values) in expected)
            CollectionAssert.AreEqual(values, actual[name], $"{what}: {name}");
    }
}
