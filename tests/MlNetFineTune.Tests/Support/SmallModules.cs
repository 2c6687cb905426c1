using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Support;

public sealed class TableRow
{
    [VectorType(6)]
    public float[] Features { get; set; } = new float[6];

    public float Size { get; set; }

    public string Color { get; set; } = "";

    public string Kind { get; set; } = "";

    public bool Yes { get; set; }

    public float Number { get; set; }

    /// <summary>Rows that a small network can learn: three classes by the direction of the features.</summary>
    public static TableRow[] Many(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => One(random))];
    }

    private static TableRow One(Random random)
    {
        var (kind, color) = (random.Next(3), random.Next(4));
        var features = Enumerable.Range(0, 6).Select(f => (float)(random.NextDouble() - 0.5 + (f % 3 == kind ? 1.5 : 0))).ToArray();
        return new TableRow
        {
            Features = features,
            Size = features[0],
            Color = $"color{color}",
            Kind = $"kind{kind}",
            Yes = kind == 0,
            Number = kind - 1 + 0.5f * color,
        };
    }
}

/// <summary>A linear layer whose tensors are counted once, so that the leak check sees leaks alone (TorchSharp's own counts each of its
/// parameters for ever).</summary>
internal sealed class Dense : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // The names of the tensors.
    private readonly Parameter weight;
    private readonly Parameter bias;
#pragma warning restore IDE1006

    public Dense(long inputs, long outputs)
        : base(nameof(Dense))
    {
        weight = Parameters.Of(rand(outputs, inputs).sub_(0.5).mul_(2 / Math.Sqrt(inputs)));
        bias = Parameters.Of(zeros(outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.linear(input, weight, bias);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            bias.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>Linear, tanh, dropout, linear: the network of tools/reference/module_fixture.py, if nothing is dropped.</summary>
internal sealed class TwoLayers : nn.Module<Tensor, Tensor>
{
    private readonly Dense first;
    private readonly Dense last;
    private readonly double _dropout;

    public TwoLayers(long inputs, long hidden, long outputs, double dropout)
        : base(nameof(TwoLayers))
    {
        first = new Dense(inputs, hidden);
        last = new Dense(hidden, outputs);
        _dropout = dropout;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => last.call(nn.functional.dropout(first.call(input).tanh(), _dropout, training));
}

[ModuleFactory("two layers")]
public sealed class TwoLayersFactory : ModuleFactory
{
    public int Hidden { get; init; } = 8;

    public double Dropout { get; init; }

    public override nn.Module Create(ModuleContext context) => new TwoLayers(context.Inputs[0].Size, Hidden, context.Outputs, Dropout);
}

/// <summary>The mean colour of a picture and two layers.</summary>
internal sealed class Colors : nn.Module<Tensor, Tensor>
{
    private readonly TwoLayers layers;

    public Colors(long outputs)
        : base(nameof(Colors))
    {
        layers = new TwoLayers(3, 8, outputs, dropout: 0);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pixels) => layers.call(pixels.mean([2, 3])); // [N, 3, H, W] -> [N, 3] -> [N, outputs]
}

[ModuleFactory("colors")]
public sealed class ColorsFactory : ModuleFactory
{
    public override nn.Module Create(ModuleContext context) => new Colors(context.Outputs);
}

/// <summary>Numbers and an embedded key.</summary>
internal sealed class Embedded : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Dense numbers;
    private readonly Dense keys; // an embedding as a product with one-hot vectors
    private readonly Dense last;
    private readonly long _keyCount;

    public Embedded(ModuleContext context)
        : base(nameof(Embedded))
    {
        _keyCount = context.Inputs[1].KeyCount;
        numbers = new Dense(context.Inputs[0].Size, 8);
        keys = new Dense(_keyCount, 8);
        last = new Dense(8, context.Outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input, Tensor key) =>
        last.call((numbers.call(input) + keys.call(nn.functional.one_hot(key, _keyCount).to_type(ScalarType.Float32))).tanh());
}

[ModuleFactory("embedded")]
public sealed class EmbeddedFactory : ModuleFactory
{
    public override nn.Module Create(ModuleContext context) => new Embedded(context);
}

/// <summary>Runs a function of the test; never saved.</summary>
[ModuleFactory("any")]
public sealed class AnyFactory : ModuleFactory
{
    public static Func<ModuleContext, nn.Module?> Make { get; set; } = _ => null;

    public override nn.Module Create(ModuleContext context) => Make(context)!;
}

/// <summary>A module of one function, with a layer so that it has parameters.</summary>
internal sealed class Lambda : nn.Module<Tensor, Tensor>
{
    private readonly Dense layer;
    private readonly Func<Dense, Tensor, Tensor> _forward;

    public Lambda(long inputs, long outputs, Func<Dense, Tensor, Tensor> forward)
        : base(nameof(Lambda))
    {
        layer = new Dense(inputs, outputs);
        _forward = forward;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => _forward(layer, input);
}

internal static class SmallModules
{
    public static ModuleFineTuningOptions Multiclass =>
        new()
        {
            Task = LearningTask.Multiclass(),
            Factory = new TwoLayersFactory(),
            LabelColumnName = "Kind",
            Epochs = 15,
            LearningRate = 0.02f,
            BatchSize = 16,
            Seed = 1
        };

    public static ModuleFineTuningOptions Binary =>
        new()
        {
            Task = LearningTask.Binary(),
            Factory = new TwoLayersFactory(),
            LabelColumnName = "Yes",
            Epochs = 15,
            LearningRate = 0.02f,
            BatchSize = 16,
            Seed = 1
        };

    public static ModuleFineTuningOptions Regression =>
        new()
        {
            Task = LearningTask.Regression(),
            Factory = new TwoLayersFactory(),
            LabelColumnName = "Number",
            Epochs = 15,
            LearningRate = 0.02f,
            BatchSize = 16,
            Seed = 1
        };

    /// <summary>The rows, with Kind and Color as keys.</summary>
    public static IDataView View(MLContext ml, IEnumerable<TableRow> rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows.ToArray());
        var key = Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue;
        return ml.Transforms.Conversion.MapValueToKey("Kind", keyOrdinality: key)
            .Append(ml.Transforms.Conversion.MapValueToKey("Color", keyOrdinality: key)).Fit(data).Transform(data);
    }

    /// <summary>Saved, and loaded in a new context with the factories of the tests registered.</summary>
    public static FineTuningTransformer Reload(MLContext ml, ITransformer model)
    {
        var other = new MLContext();
        other.ComponentCatalog.RegisterAssembly(typeof(TwoLayersFactory).Assembly);
        return (FineTuningTransformer)other.Model.Load(new MemoryStream(SmallTraining.Save(ml, model)), out _);
    }

    public static byte[] WeightsOf(FineTuningTransformer model)
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "weights.safetensors");
        model.SaveWeights(path);
        return File.ReadAllBytes(path);
    }
}
