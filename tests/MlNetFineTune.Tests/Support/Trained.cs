using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Support;

/// <summary>The pieces of a training, put together by hand.</summary>
internal static class Trained
{
    /// <summary>A rule on a network.</summary>
    public static PlannedPhase On(this PhaseRule rule, FineTunedNetwork network) => new PlanRules([rule]).Resolve(network).Phases[0];

    /// <summary>Pictures for a network.</summary>
    public static ImageInput InputOf(Backbone backbone) =>
        new(new ImageColumn("ImagePath", null, null), new ImageEncoder(backbone.Preprocessing), backbone.InputChannels);

    /// <summary>From samples to the input of a network. The caller disposes it.</summary>
    public static Collator CreateCollator(this ImageNetwork network) => InputOf(network.Definition).CreateCollator(network.Device);

    /// <summary>A run of the library's loop on a network of the test's.</summary>
    public static TrainingRun Run(
        FineTunedNetwork network, Objective objective, PlanRules rules, TrainingData data, ImageFineTuningOptions options, FitScope fit,
        Teacher? teacher = null, bool keepsOutputs = false) =>
        new(network, options.CreateInput(), objective, rules.Resolve(network, options.BatchNorm), data, options, fit.Seed, fit.Host,
            fit.Channel)
        {
            Teacher = teacher,
            KeepsOutputs = keepsOutputs || options.RunFolder is not null,
        };

    /// <summary>A model that scores with a network of the test's. The caller disposes it.</summary>
    public static FineTuningTransformer Model(
        MLContext ml, ImageNetwork network, DataViewSchema schema, ImageFineTuningOptions options, TrainingReport report)
    {
        var task = options.TaskInForce.Bind(schema, options.Columns);
        var run = new TrainingRun(
            network, options.CreateInput(), task.Scoring, Plan: null!, Data: null!, options, Seed: 1, Host: null!, Channel: null!);
        return new FineTuningTransformer(ml, new FineTunedModel(network, run.Input, task, ModelManifest.Of(run, task, report)), report);
    }
}
