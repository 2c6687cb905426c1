using MlNetFineTune.Heads;
using MlNetFineTune.Rows;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The way from rows to the lowest stage that trains: read, and the frozen stages without gradients.</summary>
/// <param name="network">Frozen already.</param>
/// <param name="stages">The frozen stages, if they can run by themselves.</param>
/// <param name="seed">Of the training.</param>
/// <param name="workers">Threads that read.</param>
internal sealed class FrozenTrunk(TrainableNetwork network, int stages, long seed, int workers) : IDisposable
{
    private readonly Intake _intake = network.CreateIntake();

    public long Seed => seed;

    /// <summary>How many stages are behind what <see cref="Forward"/> gives.</summary>
    public int Stages => stages;

    public Device Device => network.Device;

    public BatchLoader LoaderFor(TrainingRows rows) => new(rows.Inputs, seed, workers);

    /// <summary>The network's input. Caller disposes.</summary>
    public Tensor Enter(Batch batch) => _intake.ToTensor(batch.Pixels, batch.Count);

    /// <summary>Through the frozen stages.</summary>
    /// <param name="input">Handed over: it comes back if nothing is frozen, and is disposed else.</param>
    /// <returns>Caller disposes.</returns>
    public Tensor Forward(Tensor input)
    {
        using var noGradients = no_grad();
        if (stages == 0)
            return input;
        using (input)
            return network.ForwardFirst(input, stages);
    }

    /// <summary>Bytes that one row's features take.</summary>
    public long FeatureBytes(TrainingRows rows)
    {
        using var features = Forward(_intake.ToTensor(new byte[rows.Inputs.Length], count: 1));
        return features.numel() * sizeof(float);
    }

    public void Dispose() => _intake.Dispose();
}
