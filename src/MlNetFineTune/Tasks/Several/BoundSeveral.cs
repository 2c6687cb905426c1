using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>A head whose classes are known.</summary>
/// <param name="Label">Names its columns and metrics.</param>
/// <param name="Task">What it learns.</param>
/// <param name="Weight">Of its loss.</param>
internal sealed record BoundHead(string Label, BoundTask Task, float Weight);

/// <summary>Outputs, labels and scores of the heads stand one after another, in the order of the heads.</summary>
/// <param name="heads">At least two.</param>
/// <param name="status">The column that says why a row could not be scored; null for none.</param>
internal sealed class BoundSeveral(IReadOnlyList<BoundHead> heads, string? status) : BoundTask
{
    public override LabelSource Labels { get; } = new SeveralLabels([.. heads.Select(head => head.Task.Labels)]);

    public override IReadOnlyList<LabelKeys> AllKeys => [.. heads.SelectMany(head => head.Task.AllKeys)];

    public override int Outputs => heads.Sum(head => head.Task.Outputs);

    public override Objective Scoring => ObjectiveOf(task => task.Scoring);

    public override ScoreColumns Columns =>
        new SeveralColumns([.. heads.Select(head => (head.Task.Columns, head.Task.Scoring.ScoreLength))], status);

    public override IReadOnlyList<Metric> Metrics =>
        [.. heads.SelectMany(head => head.Task.Metrics.Select(metric => metric.Of(head.Label)))];

    public override bool HasJudgedRows => false;

    public override bool FitsOnValidation => heads.Any(head => head.Task.FitsOnValidation);

    public override NetworkHead CreateHead(int features) => new SeveralHeads([.. heads.Select(head => head.Task.CreateHead(features))]);

    public override BoundTask ForTraining(RowSubset training, IChannel channel)
    {
        var parts = PartsOf(training.LabelsOf(training.Rows));
        return new BoundSeveral(
            [.. heads.Select((head, i) => head with { Task = head.Task.ForTraining(HeadRows.Of(training, parts[i]), channel) })], status);
    }

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets)
    {
        var parts = PartsOf(training.LabelsOf(training.Rows));
        return new SeveralObjective([.. heads.Select((head, i) => PartOf(
            head, head.Task.Training(HeadRows.Of(training, parts[i]), softTargets: null)))]);
    }

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel)
    {
        var parts = PartsOf(labels);
        var fitted = new List<BoundHead>();
        var offset = 0;
        foreach (var (head, part) in heads.Zip(parts))
        {
            if (head.Task.FitsOnValidation && part.Places.Length == 0)
                channel.Warning($"No validation row has a label in column '{head.Label}': what is fitted to them stays as it is.");
            fitted.Add(head.Task.FitsOnValidation && part.Places.Length > 0
                ? head with { Task = head.Task.Fit(OutputsOf(outputs, part.Places, offset, head.Task.Outputs), part.Labels, channel) }
                : head);
            offset += head.Task.Outputs;
        }
        return new BoundSeveral(fitted, status);
    }

    public override Evidence EvidenceOf(string? head)
    {
        var offset = 0;
        foreach (var one in heads)
        {
            if (one.Label == head)
            {
                var (first, own) = (offset, one.Task.EvidenceOf(null));
                return new Evidence(own.Names, outputs =>
                {
                    using var ofHead = outputs.narrow(1, first, one.Task.Outputs); // [N, outputs] -> [N, the head's]
                    return own.Of(ofHead);
                });
            }
            offset += one.Task.Outputs;
        }
        var labels = SafeText.Several([.. heads.Select(one => one.Label)]);
        throw new ArgumentException(head is null
            ? $"The model has several heads, and one is explained: name it by Head, one of {labels}."
            : $"The model has no head {SafeText.Quoted(head)}, but {labels}.");
    }

    public override TaskManifest Describe() => new SeveralManifest(
        [.. heads.Select(head => new HeadManifest(head.Label, head.Weight, head.Task.AllKeys.Count, head.Task.Describe()))], status);

    private SeveralObjective ObjectiveOf(Func<BoundTask, Objective> of) => new([.. heads.Select(head => PartOf(head, of(head.Task)))]);

    private static HeadObjective PartOf(BoundHead head, Objective objective) =>
        new(head.Label, objective, head.Weight, head.Task.Labels.Width);

    private HeadLabels[] PartsOf(float[] labels) => HeadLabels.Split(labels, [.. heads.Select(head => head.Task.Labels.Width)]);

    private static RowOutputs OutputsOf(RowOutputs all, int[] places, int offset, int width) => new(
        [.. places.Select(place => all.Rows[place])], [.. places.SelectMany(place => all.Of(place).Slice(offset, width).ToArray())]);
}

/// <summary>As the model file has it. The key values of the heads' classes stand beside it, in the heads' order.</summary>
internal sealed record SeveralManifest(IReadOnlyList<HeadManifest> Heads, string? Status) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys) => BindAll(keys is null ? [] : [keys]);

    public override BoundTask BindAll(IReadOnlyList<LabelKeys> keys)
    {
        if (Heads.Count < 2 || Heads.Any(head => head is null || head.Keys < 0) || Heads.Sum(head => (long)head.Keys) != keys.Count)
            throw new ArgumentException($"its task has {Heads.Count} heads, and {keys.Count} of them have classes");
        if (Heads.Count > SeveralTask.MostHeads
            || Heads.Any(head => head.Task is null or SeveralManifest || string.IsNullOrWhiteSpace(head.Label))
            || Heads.Select(head => head.Label).Distinct(StringComparer.Ordinal).Count() != Heads.Count)
        {
            throw new ArgumentException($"its task has {Heads.Count} heads that are no heads of one network");
        }
        var bound = new List<BoundHead>();
        foreach (var head in Heads)
        {
            bound.Add(new BoundHead(head.Label, head.Task.BindAll([.. keys.Take(head.Keys)]), head.Weight));
            keys = [.. keys.Skip(head.Keys)];
        }
        return new BoundSeveral(bound, Status);
    }
}

/// <param name="Label">Names its columns and metrics.</param>
/// <param name="Weight">Of its loss.</param>
/// <param name="Keys">How many keys of classes it has.</param>
/// <param name="Task">What it learnt.</param>
internal sealed record HeadManifest(string Label, float Weight, int Keys, TaskManifest Task);
