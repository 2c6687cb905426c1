using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>A head with a bound task.</summary>
/// <param name="Label">Name of the label column, from which columns and metrics are named.</param>
/// <param name="Task">Task of the head.</param>
/// <param name="Weight">Of its loss.</param>
internal sealed record BoundHead(string Label, BoundTask Task, float Weight);

/// <summary>Outputs, labels and scores of the heads are concatenated in the order of the heads.</summary>
/// <param name="heads">The heads, at least two.</param>
/// <param name="status">Name of the column with the reason why a row could not be scored; null for none.</param>
internal sealed class BoundSeveral(IReadOnlyList<BoundHead> heads, string? status) : BoundTask
{
    // Limits the size of the report page: each head has its own pictures.
    private const int MostReported = 20;

    public override LabelSource Labels { get; } = new SeveralLabels([.. heads.Select(head => head.Task.Labels)]);

    public override IReadOnlyList<LabelKeys> AllKeys => [.. heads.SelectMany(head => head.Task.AllKeys)];

    /// <summary>The labels that the row has, with the names of their columns.</summary>
    public override string TextOf(ReadOnlySpan<float> label)
    {
        var texts = new List<string>();
        foreach (var head in heads)
        {
            var width = head.Task.Labels.Width;
            if (!float.IsNaN(label[0]))
                texts.Add($"{head.Label}: {head.Task.TextOf(label[..width])}");
            label = label[width..];
        }
        return string.Join("; ", texts);
    }

    public override int Outputs => heads.Sum(head => head.Task.Outputs);

    public override Objective Scoring => ObjectiveOf(task => task.Scoring);

    public override ScoreColumns Columns =>
        new SeveralColumns([.. heads.Select(head => (head.Task.Columns, head.Task.Scoring.ScoreLength))], status);

    public override IReadOnlyList<Metric> Metrics =>
        [.. heads.SelectMany(head => head.Task.Metrics.Select(metric => metric.Of(head.Label)))];

    public override bool FitsOnValidation => heads.Any(head => head.Task.FitsOnValidation);

    public override NetworkHead CreateHead(int features) => new SeveralHeads([.. heads.Select(head => head.Task.CreateHead(features))]);

    public override BoundTask ForTraining(RowSubset training, IChannel channel) => new BoundSeveral(
        [.. heads.Select((head, i) => head with { Task = head.Task.ForTraining(RowsOf(training, i), channel) })], status);

    public override void InitializeHead(NetworkHead head, RowSubset training, bool isBalanced, string? label)
    {
        foreach (var (i, one) in ((SeveralHeads)head).Parts.Index())
            heads[i].Task.InitializeHead(one, RowsOf(training, i), isBalanced && heads[i].Label == label, label);
    }

    public override BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows, string? label)
    {
        var (i, head) = heads.Index().Single(head => head.Item.Label == label);
        return head.Task.Balance(RowsOf(subset, i), rows, label);
    }

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => new SeveralObjective(
        [.. heads.Select((head, i) => PartOf(head, head.Task.Training(RowsOf(training, i), softTargets: null)))]);

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

    /// <summary>The sections of each head, for the rows with its label.</summary>
    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun)
    {
        var parts = PartsOf(labels);
        var sections = new List<ReportSection>();
        foreach (var (i, head) in heads.Index().Take(MostReported))
        {
            var part = parts[i];
            var offset = heads.Take(i).Sum(other => other.Task.Outputs);
            IReadOnlyList<ReportSection> own = part.Places.Length == 0
                ? [new("Validation rows", [new ReportBlock.Paragraph("No validation row that could be read has this label.")])]
                : head.Task.Report(OutputsOf(outputs, part.Places, offset, head.Task.Outputs), part.Labels, noun);
            if (part.Places.Length > 0 && part.Places.Length < outputs.Rows.Length)
            {
                var lacking = new ReportBlock.Paragraph(FormattableString.Invariant(
                    $"{part.Places.Length:N0} of {outputs.Rows.Length:N0} validation {noun}s have this label."));
                own = [own[0] with { Blocks = [lacking, .. own[0].Blocks] }, .. own.Skip(1)];
            }
            sections.AddRange(own.Select(section => section with { Head = head.Label }));
        }
        if (heads.Count > MostReported)
        {
            sections.Add(new("More heads", [new ReportBlock.Paragraph(
                FormattableString.Invariant($"Shown are the first {MostReported} of {heads.Count} heads."))]));
        }
        return sections;
    }

    public override IReadOnlyList<(string Prefix, BoundTask Task)> Heads =>
        [.. heads.Select(head => (GraphOutput.PrefixOf(head.Label), head.Task))];

    /// <summary>The outputs of each head, named after its label: <c>Kind.logits</c>.</summary>
    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "")
    {
        var all = new List<GraphOutput>();
        var offset = 0;
        foreach (var (name, task) in Heads)
        {
            var own = graph.Slice(outputs, axis: 1, offset, offset + task.Outputs); // [N, outputs] -> [N, the head's]
            all.AddRange(task.WriteOutputs(graph, own, prefix + name));
            offset += task.Outputs;
        }
        return all;
    }

    public override StockScorer ToStockScorer() => throw new NotSupportedException("Each head has a scorer of its own.");

    public override TaskManifest Describe() => new SeveralManifest(
        [.. heads.Select(head => new HeadManifest(head.Label, head.Weight, head.Task.AllKeys.Count, head.Task.Describe()))], status);

    private SeveralObjective ObjectiveOf(Func<BoundTask, Objective> of) => new([.. heads.Select(head => PartOf(head, of(head.Task)))]);

    private static HeadObjective PartOf(BoundHead head, Objective objective) =>
        new(head.Label, objective, head.Weight, head.Task.Labels.Width);

    private RowSubset RowsOf(RowSubset rows, int head) => HeadRows.Of(
        rows, heads.Take(head).Sum(before => before.Task.Labels.Width), heads[head].Task.Labels.Width);

    private HeadLabels[] PartsOf(float[] labels) => HeadLabels.Split(labels, [.. heads.Select(head => head.Task.Labels.Width)]);

    private static RowOutputs OutputsOf(RowOutputs all, int[] places, int offset, int width) => new(
        [.. places.Select(place => all.Rows[place])], [.. places.SelectMany(place => all.Of(place).Slice(offset, width).ToArray())]);
}

/// <summary>
/// The task in the manifest of a model file. The key values of the heads' classes are stored separately, in the order of the heads.
/// </summary>
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

/// <param name="Label">Name of the label column, from which columns and metrics are named.</param>
/// <param name="Weight">Of its loss.</param>
/// <param name="Keys">Number of keys of classes.</param>
/// <param name="Task">Task of the head.</param>
internal sealed record HeadManifest(string Label, float Weight, int Keys, TaskManifest Task);
