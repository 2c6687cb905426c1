using MlNetFineTune.Networks;






namespace MlNetFineTune.Training;

/// <summary>What the changes to a network mean for a plan.</summary>
internal static class ChangedPlan
{
    /// <summary>Layers that begin anew have as much to learn as the head: like it they always train, at the full learning rate.</summary>
    public static TrainingPlan WithFreshLayers(TrainingPlan plan, ImageClassifier classifier)
    {
        var fresh = FreshStages(classifier);
        return fresh.Count == 0 ? plan : Scaled(plan, (inner, parameter) => fresh.Contains(parameter.Stage) ? 1 : inner(parameter));
    }

    /// <summary>Where adapters are, they train in the place of their layers' weights, and nothing else of the pretrained network does.</summary>
    /// <param name="plan">For the network without adapters.</param>
    /// <param name="classifier">With its adapters.</param>
    /// <param name="hosts">The weight of the layer, by the name of the adapter's parameter.</param>
    public static TrainingPlan WithAdapters(TrainingPlan plan, ImageClassifier classifier, IReadOnlyDictionary<string, NetworkParameter> hosts)
    {
        var head = classifier.Stages.Count;
        var frozen = Scaled(plan, (inner, parameter) => hosts.TryGetValue(parameter.Name, out var host) ? inner(host) : parameter.Stage == head ? inner(parameter) : 0);
        return WithFreshLayers(frozen, classifier);
    }

    public static HashSet<int> FreshStages(ImageClassifier classifier) =>
        [.. classifier.Definition.Changes.Where(change => change.IsFresh).Select(change => classifier.Stages.ToList().IndexOf(change.Stage))];

    private static TrainingPlan Scaled(TrainingPlan plan, Func<Func<NetworkParameter, float>, NetworkParameter, float> scale) =>
        plan with { Parts = [.. plan.Parts.Select(part => part with { ScaleOf = parameter => scale(part.ScaleOf, parameter) })] };
}
