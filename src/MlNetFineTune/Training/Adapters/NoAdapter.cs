using MlNetFineTune.Networks;






namespace MlNetFineTune.Training;

internal sealed record NoAdapter : Adapter
{
    internal override TrainingPlan Apply(ImageClassifier classifier, TrainingPlan plan, long seed, Action<string> log) => ChangedPlan.WithFreshLayers(plan, classifier);

    public override string ToString() => nameof(None);
}
