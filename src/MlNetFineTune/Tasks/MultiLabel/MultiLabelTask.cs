using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Multi-label classification: a logit and a sigmoid for each label.</summary>
internal sealed record MultiLabelTask(PositiveWeights PositiveWeights, DecisionThreshold Threshold) : LearningTask
{
    public const string Kind = "MultiLabel";

    internal override string Name => Kind;

    // ML.NET has no catalog for this task.
    internal override string Catalog => "FineTuning";

    internal override string? NeedsValidation => Threshold.NeedsValidation;

    internal override LearningTask WithoutValidation => this with { Threshold = DecisionThreshold.Fixed(Threshold.Probability) };

    public override string ToString() => $"{Kind}(positiveWeights: {PositiveWeights}, threshold: {Threshold})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("PredictedLabelColumnName", columns.PredictedLabel),
        .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns)
    {
        if (!schema.TryFindColumn(columns.Label, out var label))
            throw context.ExceptSchemaMismatch("inputSchema", "label", columns.Label);
        var isExpected = label.IsKey
            ? label.Kind != SchemaShape.Column.VectorKind.Scalar
            : label.Kind == SchemaShape.Column.VectorKind.Vector && label.ItemType is BooleanDataViewType;
        if (!isExpected)
            throw context.ExceptSchemaMismatch("inputSchema", "label", label.Name, LabelSetColumn.Expected, label.GetTypeString());
    }

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) =>
        MultiLabelColumns.Shapes(columns, schema.Single(column => column.Name == columns.Label));

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns)
    {
        var column = schema[columns.Label];
        var keys = ((VectorDataViewType)column.Type).ItemType is KeyDataViewType ? LabelKeys.Of(column) : null;
        var names = keys?.Names ?? LabelSetColumn.NamesOfSlots(column);
        PositiveWeights.Resolve(names, new double[names.Count], rows: 0); // fails here instead of after the data are read
        return new BoundMultiLabel(columns, names, keys, this, [.. names.Select(_ => Threshold.Probability)]);
    }
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="names">Names of the labels.</param>
/// <param name="keys">Key values of the labels; null if they are not keys.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
/// <param name="thresholds">Probabilities above which a row has each label.</param>
internal sealed class BoundMultiLabel(
    TaskColumns columns, IReadOnlyList<string> names, LabelKeys? keys, MultiLabelTask? options, IReadOnlyList<float> thresholds) : BoundTask
{
    public override LabelSource Labels => new LabelSets(columns.Label, names);

    public override LabelKeys? Keys => keys;

    public override LabelKeys? ExclusiveClasses => null;

    public override IReadOnlyList<string> ClassNames => names;

    /// <summary>The labels that the row has.</summary>
    public override string TextOf(ReadOnlySpan<float> label)
    {
        var has = LabelSets.Of(label.ToArray());
        return has.Contains(true) ? string.Join(", ", names.Where((_, at) => has[at])) : "none";
    }

    public override int Outputs => names.Count;

    public override Objective Scoring => new MultiLabelObjective(names.Count);

    public override ScoreColumns Columns => new MultiLabelColumns(columns, names, keys, thresholds);

    public override IReadOnlyList<Metric> Metrics =>
        [Metric.MeanAveragePrecision, Metric.MicroF1, Metric.MacroF1, Metric.HammingLoss];

    public override IReadOnlyList<float> LabelThresholds => thresholds;

    public override bool FitsOnValidation => options is not null && options.Threshold.IsTuned;

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets)
    {
        var (positives, all) = (new double[names.Count], 0.0);
        var weights = training.WeightsOf(training.Rows);
        foreach (var (place, row) in training.Rows.Index())
        {
            var weight = weights?[place] ?? 1.0;
            all += weight;
            foreach (var (label, isThere) in training.Source.LabelOf(row).ToArray().Index())
                positives[label] += weight * isThere;
        }
        return new MultiLabelObjective(
            names.Count, options!.PositiveWeights.Resolve(names, positives, all), options.Threshold.Probability);
    }

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel)
    {
        if (!FitsOnValidation)
            return this;
        using var scope = NewDisposeScope();
        var scores = Scoring.ScoresOf(outputs.ToTensor()).data<float>().ToArray(); // [N, labels]
        var tuned = ThresholdTuning.OfEachLabel(options!.Threshold, scores, LabelSets.Of(labels), names.Count);
        foreach (var (name, threshold) in names.Zip(tuned))
        {
            if (threshold is { } best)
            {
                channel.Info(
                    string.Create(CultureInfo.InvariantCulture,
                        $"{SafeText.Of(name)}: threshold {best.Threshold:0.###} by {options.Threshold}, "
                        + $"{best.Value:0.###} on the validation rows."));
            }
        }
        string[] untold = [.. names.Where((_, label) => tuned[label] is null)];
        if (untold.Length > 0)
        {
            channel.Warning(
                $"{options.Threshold}: none or all of the {outputs.Rows.Length} validation rows have {SafeText.Several(untold)}, "
                    + "or no threshold "
                + "reaches the target, so that their thresholds stay 0.5. Give validation rows of both kinds.");
        }
        float[] found = [.. tuned.Select((one, label) => one?.Threshold ?? thresholds[label])];
        return new BoundMultiLabel(columns, names, keys, options, found);
    }

    /// <summary>A sampling order in which all labels are about equally frequent. A missing label counts as one more label, since it
    /// differs from having none of the labels.</summary>
    public override BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows, string? label)
    {
        var width = names.Count + 1;
        var kinds = new bool[rows.Count * width];
        for (var place = 0; place < rows.Count; place++)
        {
            var ofRow = subset.Source.LabelOf(rows[place]).ToArray();
            LabelSets.Of(ofRow).CopyTo(kinds, place * width);
            kinds[place * width + names.Count] = float.IsNaN(ofRow[0]);
        }
        return BalancedSampling.OfLabels(kinds, width);
    }

    /// <summary>The outputs <c>logits</c>, <c>probabilities</c> and <c>predicted</c> (1 if a row has the label): [N, labels].</summary>
    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "")
    {
        var probabilities = graph.Add("Sigmoid", [outputs]);
        var isAbove = graph.AddExact("Greater", probabilities, graph.Constant("thresholds", [names.Count], [.. thresholds]));
        return
        [
            new(graph.Named(prefix + GraphOutput.Logits, outputs), names.Count),
            new(graph.Named(prefix + GraphOutput.Probabilities, probabilities), names.Count),
            new(graph.Named(prefix + GraphOutput.Predicted, graph.ToFloats(isAbove)), names.Count),
        ];
    }

    public override StockScorer ToStockScorer() => new StockScorer.OfLabels(columns, names, thresholds);

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        LabelSetReport.Of(outputs, labels, Scoring, names, thresholds, noun);

    /// <summary>By how much each logit is above that of its label's threshold.</summary>
    protected override Evidence Evidence => new(names, outputs =>
    {
        using var scope = NewDisposeScope();
        // A threshold of 0 or 1 has no logit.
        float[] logits = [.. thresholds.Select(threshold => BinaryTask.LogitOf(Math.Clamp((double)threshold, 1e-6, 1 - 1e-6)))];
        return outputs.sub(tensor(logits, ScalarType.Float32, outputs.device)).MoveToOuterDisposeScope();
    });

    public override TaskManifest Describe() => new MultiLabelManifest(columns, names, thresholds);
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Labels">Names of the labels, in the order of the scores.</param>
/// <param name="Thresholds">Probabilities above which a row has each label.</param>
internal sealed record MultiLabelManifest(TaskColumns Columns, IReadOnlyList<string> Labels, IReadOnlyList<float> Thresholds) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        if (Labels is not { Count: > 0 })
            throw new ArgumentException($"its task is {MultiLabelTask.Kind}, without labels");
        if (keys is not null && !Labels.SequenceEqual(keys.Names, StringComparer.Ordinal))
            throw new ArgumentException($"its manifest names the labels {SafeText.Several(Labels)}, "
                + $"its key {SafeText.Several(keys.Names)}");
        if (Thresholds?.Count != Labels.Count || Thresholds.Any(threshold => !float.IsFinite(threshold)))
            throw new ArgumentException($"it has {Labels.Count} labels and no threshold for each");
        return new BoundMultiLabel(Columns, Labels, keys, options: null, Thresholds);
    }
}
