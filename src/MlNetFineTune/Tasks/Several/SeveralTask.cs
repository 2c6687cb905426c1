using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Several heads on one network (multi-task learning by hard parameter sharing: Caruana 1997, https://doi.org/10.1023/A:1007379606734). The
/// loss is the weighted sum of the heads' mean losses.
/// </summary>
internal sealed record SeveralTask(IReadOnlyList<TaskHead> Heads) : LearningTask
{
    public const string Kind = "Several";

    /// <summary>Upper bound for model files: a file with more heads is not valid.</summary>
    public const int MostHeads = 1024;

    internal override string Name => Kind;

    internal override string Catalog => "FineTuning";

    internal override string? NeedsValidation =>
        Heads.Select(head => head.Task.NeedsValidation).FirstOrDefault(reason => reason is not null);

    internal override LearningTask WithoutValidation =>
        this with { Heads = [.. Heads.Select(head => new TaskHead(head.LabelColumnName, head.Task.WithoutValidation, head.Weight))] };

    internal override bool TakesMixedRows => false;

    internal override string? WhyNotBalanced(string? label, TaskColumns columns)
    {
        string[] able = [.. Heads.Where(head => head.Task.HasClasses).Select(head => head.LabelColumnName)];
        var instead = able.Length == 0
            ? "none of its heads has classes: leave it out, or say with ExampleWeightColumnName how much each row counts"
            : $"heads with classes are {SafeText.Several(able)}: take Sampling.BalancedBy(\"{SafeText.Of(able[0])}\")";
        return label is null ? $"{Name} has several labels, and one of them must be named; {instead}"
            : Heads.FirstOrDefault(head => head.LabelColumnName == label) is not { } named ? $"no head has the label '{label}'; {instead}"
            : named.Task.HasClasses ? null
            : $"head '{label}' is {named.Task.Name}, without classes; {instead}";
    }

    public override string ToString() => $"{Kind}({string.Join("; ", Heads)})";

    public bool Equals(SeveralTask? other) => other is not null && Heads.SequenceEqual(other.Heads);

    public override int GetHashCode() => Heads.Count;

    public static SeveralTask Of(IReadOnlyList<TaskHead> heads)
    {
        ArgumentNullException.ThrowIfNull(heads);
        foreach (var head in heads)
            ArgumentNullException.ThrowIfNull(head, nameof(heads));
        if (heads.Count is < 2 or > MostHeads)
        {
            throw new ArgumentException(
                $"Several heads are 2 to {MostHeads}, and there {(heads.Count == 1 ? "is one" : $"are {heads.Count}")}.", nameof(heads));
        }
        return heads.GroupBy(head => head.LabelColumnName).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw new ArgumentException($"The label '{twice.Key}' has two heads: columns are named after labels.", nameof(heads))
            : new SeveralTask([.. heads]);
    }

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        .. Heads.SelectMany(head =>
            head.Task.OutputsOf(head.Columns).Select(output => ($"{output.Option} of '{head.LabelColumnName}'", output.Name))),
        .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns)
    {
        foreach (var head in Heads)
            head.Task.CheckLabel(context, schema, head.Columns);
    }

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) =>
    [
        .. Heads.SelectMany(head => head.Task.OutputShapes(schema, head.Columns)),
        .. SeveralColumns.StatusShape(columns.Status),
    ];

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) => new BoundSeveral(
        [.. Heads.Select(head => new BoundHead(head.LabelColumnName, head.Task.Bind(schema, head.Columns), head.Weight))], columns.Status);
}
