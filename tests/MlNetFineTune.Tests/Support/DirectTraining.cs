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
    public static PlanRules Unfreezing(ImageFineTuningOptions options)
    {
        var stages = options.Backbone.Stages.Count;
        return new(
            [PhaseRule.Of(stages, 0, 1, 2), PhaseRule.Of(stages, 1, 0.5f, options.Epochs - 3), PhaseRule.Of(stages, stages, 0.5f, 1)]);
    }

    public static PlanRules Full(ImageFineTuningOptions options) =>
        options.Strategy.Resolve(options.Backbone.Name, options.Backbone.Stages, options.Epochs);

    /// <param name="options">Options; their strategy is ignored.</param>
    /// <param name="plan">Plan of the training.</param>
    /// <param name="photos">Photos for training and validation.</param>
    /// <param name="look">Called with the network before the training; returns the receiver of progress.</param>
    /// <returns>The report, and every tensor after the training.</returns>
    public static (TrainingReport Report, Dictionary<string, double[]> Tensors) Run(
        ImageFineTuningOptions options, PlanRules plan, Photo[] photos, Func<ImageNetwork, IProgress<TrainingProgress>>? look = null)
    {
        var ml = new MLContext();
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        using var fit = new FitScope(ml, "test", "test", options.Seed);
        var keys = LabelKeys.Of(view.Schema["Label"]);
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, options, new ImageInput(options.ImageColumn, new ImageEncoder(options.Backbone.Preprocessing)),
            new ClassLabels("Label", keys), fit.Seed);
        using var network = ImageNetwork.Create(options.Backbone, keys.Count, fit.Seed);
        var watched = look is null ? options : options with { Progress = look(network) };
        using var session = new TrainingSession(
            Trained.Run(network, new MulticlassObjective(keys.Count, LossOf(options)), plan, data, watched, fit));
        var report = session.Run();
        return (report, Tensors(network));
    }

    private static ClassificationLoss LossOf(FineTuningOptions options) => ((MulticlassTask)options.TaskInForce).Loss;

    public static Dictionary<string, double[]> Tensors(ImageNetwork network) =>
        network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values(), StringComparer.Ordinal);

    /// <summary>Bit for bit.</summary>
    public static void AssertSame(Dictionary<string, double[]> expected, Dictionary<string, double[]> actual, string what)
    {
        foreach (var (name, values) in expected)
            CollectionAssert.AreEqual(values, actual[name], $"{what}: {name}");
    }
}
