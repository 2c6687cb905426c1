using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The objective of one head.</summary>
/// <param name="Label">Names its metrics.</param>
/// <param name="Objective">Objective of the head's outputs.</param>
/// <param name="Weight">Weight of the head's mean loss.</param>
/// <param name="Width">Numbers per label.</param>
internal sealed record HeadObjective(string Label, Objective Objective, float Weight, int Width);

/// <summary>
/// The weighted sum of the heads' mean losses. Each mean is over the rows that have the head's label, so that labels that few rows have
/// keep their weight. Labels are on the CPU, NaN for a missing label.
/// </summary>
/// <remarks>
/// With gradient accumulation a head's sum of losses S is divided by its count C over all batches of the step. The gradients of the batches
/// are added with the weights n of their rows and divided by the sum N of these weights (<see cref="CountOf"/>); a batch's loss is
/// therefore the sum of (S / C) (N / n), which in terms of the batch's own mean S / c is (S / c) (c / n) / (C / N). The weighted mean of
/// these losses is the loss of the whole step. C and N are those of the planned rows: in the epoch in which an unreadable row is detected,
/// its head has slightly less weight in that step.
/// </remarks>
/// <param name="heads">The heads, in the order of outputs, labels and scores.</param>
internal sealed class SeveralObjective(IReadOnlyList<HeadObjective> heads) : Objective
{
    private readonly int[] _widths = [.. heads.Select(head => head.Width)];
    private readonly long[] _offsets = [.. heads.Select((_, i) => heads.Take(i).Sum(head => (long)head.Objective.Outputs))];

    public IReadOnlyList<HeadObjective> Heads => heads;

    public override int Outputs => heads.Sum(head => head.Objective.Outputs);

    public override int ScoreLength => heads.Sum(head => head.Objective.ScoreLength);

    public override Tensor Loss(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        var all = targets.Step is null ? 0 : CountOf(targets);
        foreach (var (head, ofHead, own) in Parts(outputs, targets))
        {
            var loss = heads[head].Objective.Loss(ofHead, own);
            var factor = heads[head].Weight * (targets.Step is { } step ? ShareOfStep(step, head, own, all) : 1);
            if (factor != 1)
                loss = loss.Mul(factor);
            sum = sum?.Add(loss) ?? loss;
        }
        return sum!.MoveToOuterDisposeScope(); // rows without any label are excluded before
    }

    // (c / n) / (C / N); 0 if the weights are 0, and the mean is 0 as well.
    private double ShareOfStep(StepCounts step, int head, Targets own, double all) => all > 0 && step.Parts[head] > 0
        ? heads[head].Objective.CountOf(own) / all / (step.Parts[head] / step.Rows)
        : 0;

    /// <summary>The total example weight of the rows, independent of which labels they have.</summary>
    public override double CountOf(Targets targets) => targets.Weights?.sum().item<float>() ?? targets.Labels.shape[0];

    public override StepCounts CountsOf(RowSubset subset, IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        var targets = TargetsOf(subset, rows, mix: null, CPU);
        var counts = new double[heads.Count];
        foreach (var (head, _, own) in TargetParts(targets, CPU))
            counts[head] = heads[head].Objective.CountOf(own);
        return new(CountOf(targets), counts);
    }

    public override LossSums CreateLossSums() => new Sums(this);

    public override MetricSums CreateMetrics() => new Metrics(this);

    public override Tensor ScoresOf(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        var scores = new List<Tensor>();
        var offset = 0L;
        foreach (var head in heads)
        {
            scores.Add(head.Objective.ScoresOf(outputs.narrow(1, offset, head.Objective.Outputs)));
            offset += head.Objective.Outputs;
        }
        return cat(scores, 1).MoveToOuterDisposeScope(); // [N, scores]
    }

    protected override Tensor LabelsOf(float[] labels, Device device) =>
        tensor(labels, [labels.Length / _widths.Sum(), _widths.Sum()], ScalarType.Float32);

    protected override Tensor SharesOf(Tensor labels) =>
        throw new NotSupportedException("Rows with labels of several heads are not mixed.");

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training) =>
        throw new NotSupportedException("Each head has losses of its own rows.");

    protected override Tensor? ClassWeightOfEach(Tensor labels) =>
        throw new NotSupportedException("Each head has weights of its own classes.");

    // The outputs and targets of the rows that have a head's label, without heads that have none. In the current dispose scope.
    private IEnumerable<(int Head, Tensor Outputs, Targets Targets)> Parts(Tensor outputs, Targets targets)
    {
        foreach (var (head, places, own) in TargetParts(targets, outputs.device))
        {
            var ofHead = outputs.narrow(1, _offsets[head], heads[head].Objective.Outputs); // [N, outputs] -> [N, outputs of the head]
            yield return (head, places is null ? ofHead : ofHead.index_select(0, places), own);
        }
    }

    // The same without outputs; places are null if all rows have the label.
    private IEnumerable<(int Head, Tensor? Places, Targets Targets)> TargetParts(Targets targets, Device device)
    {
        var parts = HeadLabels.Split(targets.Labels.data<float>().ToArray(), _widths);
        foreach (var (head, part) in parts.Index())
        {
            if (part.Places.Length == 0)
                continue;
            var places = part.Places.Length == targets.Labels.shape[0]
                ? null
                : tensor([.. part.Places.Select(place => (long)place)], ScalarType.Int64, device);
            var weights = places is null ? targets.Weights : targets.Weights?.index_select(0, places);
            yield return (head, places, new Targets(heads[head].Objective.LabelTensor(part.Labels, device), weights));
        }
    }

    private sealed class Sums(SeveralObjective objective) : LossSums(objective)
    {
        private readonly LossSums?[] _heads = new LossSums?[objective.Heads.Count];

        public override double Mean =>
            _heads.Zip(objective.Heads).Sum(head => head.First is { Count: > 0 } sums ? head.Second.Weight * sums.Mean : 0);

        public override double Count => _heads.Sum(head => head?.Count ?? 0);

        public override void Add(Tensor outputs, Targets targets)
        {
            using var scope = NewDisposeScope();
            foreach (var (head, own, ownTargets) in objective.Parts(outputs, targets))
                (_heads[head] ??= objective.Heads[head].Objective.CreateLossSums()).Add(own, ownTargets);
        }
    }

    private sealed class Metrics(SeveralObjective objective) : MetricSums
    {
        private readonly MetricSums?[] _heads = new MetricSums?[objective.Heads.Count];

        public override void Add(Tensor outputs, Targets targets)
        {
            using var scope = NewDisposeScope();
            foreach (var (head, own, ownTargets) in objective.Parts(outputs, targets with { Weights = null }))
                (_heads[head] ??= objective.Heads[head].Objective.CreateMetrics()).Add(own, ownTargets);
        }

        public override IReadOnlyDictionary<string, double> Result() => _heads.Zip(objective.Heads)
            .SelectMany(head => (head.First?.Result() ?? new Dictionary<string, double>())
                .Select(metric => KeyValuePair.Create(Metric.NameOf(head.Second.Label, metric.Key), metric.Value)))
            .ToDictionary(StringComparer.Ordinal);
    }
}
