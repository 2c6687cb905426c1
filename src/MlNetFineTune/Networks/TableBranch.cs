using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// The layers of a table beside a picture, up to the features that the head sees: late fusion by concatenation (Baltrusaitis et al. 2019,
/// https://arxiv.org/abs/1705.09406, section 6). Numbers are standardised by the training rows' mean and deviation; a missing one is at the
/// mean, and an indicator says so (the missing-indicator method: Van Ness et al. 2022, https://arxiv.org/abs/2211.09259). Keys are
/// embedded. All of it enters one linear layer and a ReLU. Where pictures may be missing, an indicator enters too, and a learnt vector
/// takes the place of the picture's features.
/// </summary>
internal sealed class TableBranch : nn.Module
{
    /// <summary>Names of the tensors beside the picture: [N, numbers], NaN where one is missing.</summary>
    public const string Numbers = "numbers";

    /// <summary>[N, keys] indices, 0 where one is missing.</summary>
    public const string Keys = "keys";

    /// <summary>[N, 1]: 1 where the picture is missing, else 0.</summary>
    public const string Missing = "missing";

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Linear linear;
    internal readonly TorchSharp.Modules.ModuleList<KeyEmbedding> embeddings;
    internal readonly Tensor? mean;
    internal readonly Tensor? deviation;
    internal readonly Parameter? missing_picture;
#pragma warning restore IDE1006

    /// <param name="form">What the table has.</param>
    /// <param name="pictureFeatures">Numbers that the picture's stages give.</param>
    public TableBranch(TableForm form, int pictureFeatures)
        : base(nameof(TableBranch))
    {
        Form = form;
        embeddings = new([.. form.Keys.Select(column => new KeyEmbedding(column.KeyCount))]);
        if (form.Numbers > 0)
        {
            mean = zeros(form.Numbers, Parameters.Type).DetachFromDisposeScope();
            deviation = ones(form.Numbers, Parameters.Type).DetachFromDisposeScope();
        }
        if (form.LearnsMissingPictures)
            missing_picture = Parameters.Of(zeros(pictureFeatures, Parameters.Type));
        var embedded = form.Keys.Sum(column => column.Size * KeyEmbedding.LengthOf(column.KeyCount));
        linear = new Linear(2 * form.Numbers + embedded + (form.LearnsMissingPictures ? 1 : 0), form.Features);
        RegisterComponents();
    }

    public TableForm Form { get; }

    /// <summary>PyTorch's defaults: uniform within 1 / sqrt(inputs) for the linear layer.</summary>
    public void Initialize(long seed)
    {
        var bound = 1 / Math.Sqrt(linear.weight.shape[1]);
        WeightInitialization.FillUniform(linear.weight, bound, seed, RandomStream.WeightsOf("table.linear.weight"));
        WeightInitialization.FillUniform(linear.bias!, bound, seed, RandomStream.WeightsOf("table.linear.bias"));
        for (var i = 0; i < embeddings.Count; i++)
            embeddings[i].Initialize(seed, FormattableString.Invariant($"table.embeddings.{i}.weight"));
    }

    /// <summary>Takes what numbers are standardised by.</summary>
    /// <param name="means">One a number.</param>
    /// <param name="deviations">Above 0.</param>
    public void Standardize(float[] means, float[] deviations)
    {
        if (mean is null)
            return;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        mean.copy_(tensor(means, ScalarType.Float32));
        deviation!.copy_(tensor(deviations, ScalarType.Float32));
    }

    /// <summary>Puts the table's features after the picture's. Caller disposes the result.</summary>
    /// <param name="picture">[N, F].</param>
    /// <param name="beside">The tensors named above; of rows of the same number.</param>
    /// <returns>[N, F + <see cref="TableForm.Features"/>].</returns>
    public Tensor Fuse(Tensor picture, IReadOnlyDictionary<string, Tensor> beside)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        if (mean is not null)
        {
            var numbers = beside[Numbers].to_type(picture.dtype);
            var isMissing = numbers.isnan();
            parts.Add(numbers.sub(mean).div(deviation!).MaskedFill(isMissing, 0)); // [N, numbers]
            parts.Add(isMissing.to_type(numbers.dtype)); // [N, numbers]
        }
        var first = 0;
        for (var i = 0; i < embeddings.Count; i++)
        {
            var size = Form.Keys[i].Size;
            parts.Add(embeddings[i].forward(beside[Keys].narrow(1, first, size))); // [N, size] -> [N, size * length]
            first += size;
        }
        if (missing_picture is not null)
        {
            var missing = beside[Missing].to_type(picture.dtype); // [N, 1]
            parts.Add(missing);
            picture = where(missing.Gt(0.5), missing_picture, picture); // [N, F]
        }
        var table = nn.functional.relu(linear.forward(cat(parts, 1))); // [N, features]
        return cat([picture, table], 1).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the operators of <see cref="Fuse"/>.</summary>
    /// <param name="graph">The graph to which they are added.</param>
    /// <param name="picture">[N, F].</param>
    /// <param name="beside">
    /// The form's columns in order: numbers [N, size], keys [N, size] or [N]. After them [N, 1], 1 if the picture is missing, if the form
    /// has this indicator.
    /// </param>
    public GraphValue Write(NetworkGraph graph, GraphValue picture, IReadOnlyList<GraphValue> beside)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var first = graph.Nodes.Count;
        var parts = new List<GraphValue>();
        if (mean is not null)
        {
            GraphValue[] columns = [.. beside.Zip(Form.Columns).Where(pair => pair.Second.KeyCount == 0).Select(pair => pair.First)];
            var numbers = columns is [var only] ? only : graph.Concat(1, columns); // [N, numbers]
            var isMissing = graph.AddExact("IsNaN", numbers);
            var standardized = graph.Add(
                "Div", [graph.Add("Sub", [numbers, graph.Constant("table.mean", mean)]), graph.Constant("table.deviation", deviation!)]);
            parts.Add(graph.Add("Where", [isMissing, graph.Scalar("table.missing", 0), standardized]));
            parts.Add(graph.ToFloats(isMissing));
        }
        foreach (var (i, (keys, column)) in beside.Zip(Form.Columns).Where(pair => pair.Second.KeyCount > 0).Index())
        {
            var weight = graph.Constant(FormattableString.Invariant($"table.embeddings.{i}.weight"), embeddings[i].weight);
            var rows = graph.Add("Gather", [weight, keys]); // [N, size] -> [N, size, length]
            parts.Add(graph.Reshape(rows, 0, column.Size * embeddings[i].weight.shape[1]));
        }
        if (missing_picture is not null)
        {
            var missing = beside[Form.Columns.Count]; // [N, 1]
            parts.Add(missing);
            picture = graph.Add(
                "Where", [graph.AddExact("Greater", missing, graph.Scalar("table.half", 0.5f)),
                    graph.Constant("table.missing_picture", missing_picture), picture]);
        }
        var all = parts is [var one] ? one : graph.Concat(1, [.. parts]);
        var table = graph.Add(
            "Gemm", [all, graph.Constant("table.linear.weight", linear.weight), graph.Constant("table.linear.bias", linear.bias!)],
            ("transB", 1L));
        var fused = graph.Concat(1, picture, graph.Add("Relu", [table])); // [N, F + features]
        graph.KeepExact(first);
        return fused;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            linear.Dispose();
            embeddings.Dispose();
            mean?.Dispose();
            deviation?.Dispose();
            missing_picture?.Dispose();
        }
        base.Dispose(disposing);
    }
}
