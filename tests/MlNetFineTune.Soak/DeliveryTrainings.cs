using Microsoft.ML;
using TabularNetwork;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MlNetFineTune.Soak;

/// <summary>Trainings of an own module on a table.</summary>
internal sealed class DeliveryTrainings
{
    private readonly Delivery[] _train = Deliveries.Draw(2_000, seed: 1);

    /// <summary>
    /// Tensors that TorchSharp still counts as live: its constructor of parameters takes a tensor over, and counts it once more, for ever.
    /// </summary>
    public long Miscounted { get; private set; }

    /// <exception cref="InvalidOperationException">Nothing was learned.</exception>
    public void OwnModule(int seed)
    {
        Miscounted += LogisticRegression.Parameters;
        var ml = new MLContext(seed);
        var train = ml.Data.LoadFromEnumerable(_train);
        using var model = ml.Transforms.Concatenate("Numbers", "Distance", "Weight", "Hour")
            .Append(ml.Transforms.NormalizeMeanVariance("Numbers"))
            .Append(ml.BinaryClassification.Trainers.FineTuneModule(new ModuleFineTuningOptions
            {
                Factory = new LogisticRegressionFactory(),
                Inputs = ["Numbers"],
                Epochs = 5,
                BatchSize = 128,
                LearningRate = 0.05f,
            }))
            .Fit(train);
        var accuracy = ml.BinaryClassification.Evaluate(model.Transform(train)).Accuracy;
        if (accuracy < 0.6)
            throw new InvalidOperationException($"Five epochs on parcels reach an accuracy of {accuracy} only.");
    }
}

/// <summary>Logistic regression, as a module of its own.</summary>
internal sealed class LogisticRegression : nn.Module<Tensor, Tensor>
{
    public const int Parameters = 2;

    private readonly Parameter _weight, _bias;

    public LogisticRegression(ModuleContext context)
        : base(nameof(LogisticRegression))
    {
        _weight = nn.Parameter(zeros(context.Outputs, context.Inputs[0].Size, ScalarType.Float32));
        _bias = nn.Parameter(zeros(context.Outputs, ScalarType.Float32));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.linear(input, _weight, _bias);
}

/// <summary>Makes <see cref="LogisticRegression"/>.</summary>
[ModuleFactory("MlNetFineTune.Soak.LogisticRegression")]
public sealed class LogisticRegressionFactory : ModuleFactory
{
    /// <inheritdoc/>
    public override nn.Module Create(ModuleContext context) => new LogisticRegression(context);
}
