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
/// <param name="heads">The heads, in the order of outputs, labels and scores.</param>
internal sealed class SeveralObjective(IReadOnlyList<HeadObjective> heads) : Objective
{
    private readonly int[] _widths = [.. heads.Select(head => head.Width)];

    public override int Outputs => heads.Sum(head => head.Objective.Outputs);

    public override int ScoreLength => heads.Sum(head => head.Objective.ScoreLength);

    public override Tensor Loss(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach (var (head, ofHead, own) in Parts(outputs, targets))
        {
            var loss = head.Objective.Loss(ofHead, own);
            if (head.Weight != 1)
                loss = loss.Mul(head.Weight);
            sum = sum?.Add(loss) ?? loss;
        }
        return sum!.MoveToOuterDisposeScope(); // rows without any label are excluded before
    }

    /// <summary>The total example weight of the rows, independent of which labels they have.</summary>
    public override double CountOf(Targets targets) => targets.Weights?.sum().item<float>() ?? targets.Labels.shape[0];

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
    private IEnumerable<(HeadObjective Head, Tensor Outputs, Targets Targets)> Parts(Tensor outputs, Targets targets)
    {
        var parts = HeadLabels.Split(targets.Labels.data<float>().ToArray(), _widths);
        var (offset, rows) = (0L, outputs.shape[0]);
        foreach (var (head, part) in heads.Zip(parts))
        {
            var own = outputs.narrow(1, offset, head.Objective.Outputs); // [N, outputs] -> [N, outputs of the head]
            offset += head.Objective.Outputs;
            if (part.Places.Length == 0)
                continue;
            var weights = targets.Weights;
            if (part.Places.Length < rows)
            {
                var places = tensor([.. part.Places.Select(place => (long)place)], ScalarType.Int64, outputs.device);
                own = own.index_select(0, places);
                weights = weights?.index_select(0, places);
            }
            yield return (head, own, new Targets(head.Objective.LabelTensor(part.Labels, outputs.device), weights));
        }
    }

    private sealed class Sums(SeveralObjective objective) : LossSums(objective)
    {
        private readonly Dictionary<HeadObjective, LossSums> _heads = [];

        public override double Mean => _heads.Where(head => head.Value.Count > 0).Sum(head => head.Key.Weight * head.Value.Mean);

        public override double Count => _heads.Values.Sum(head => head.Count);

        public override void Add(Tensor outputs, Targets targets)
        {
            using var scope = NewDisposeScope();
            foreach (var (head, own, ownTargets) in objective.Parts(outputs, targets))
            {
                if (!_heads.TryGetValue(head, out var sums))
                    _heads.Add(head, sums = head.Objective.CreateLossSums());
                sums.Add(own, ownTargets);
            }
        }
    }

    private sealed class Metrics(SeveralObjective objective) : MetricSums
    {
        private readonly Dictionary<string, MetricSums> _heads = [];

        public override void Add(Tensor outputs, Tensor labels)
        {
            using var scope = NewDisposeScope();
            foreach (var (head, own, targets) in objective.Parts(outputs, new Targets(labels)))
            {
                if (!_heads.TryGetValue(head.Label, out var sums))
                    _heads.Add(head.Label, sums = head.Objective.CreateMetrics());
                sums.Add(own, targets.Labels);
            }
        }

        public override IReadOnlyDictionary<string, double> Result() => _heads
            .SelectMany(head => head.Value.Result()
                .Select(metric => KeyValuePair.Create(Metric.NameOf(head.Key, metric.Key), metric.Value)))
            .ToDictionary(StringComparer.Ordinal);
    }
}
