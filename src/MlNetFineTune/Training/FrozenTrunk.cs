using System.Security.Cryptography;
using System.Text;
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
    private FeatureLayout? _layout;

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

    /// <summary>How the features of these rows lie in a store.</summary>
    public FeatureLayout LayoutOf(TrainingRows rows)
    {
        if (_layout is not null)
            return _layout;
        using var features = Forward(_intake.ToTensor(new byte[rows.Inputs.Length], count: 1));
        return _layout = new FeatureLayout(features.shape[1..]);
    }

    /// <summary>
    /// Hash of all that features depend on beside the picture: what computes (this library, its decoder and torch, the device's kind), the network's form and preprocessing, how
    /// many stages, and their tensors.
    /// </summary>
    public ContentHash ComputeIdentity()
    {
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append($"{typeof(FrozenTrunk).Module.ModuleVersionId} {typeof(SkiaSharp.SKCodec).Assembly.FullName} {typeof(torch).Assembly.FullName} {Device.type} {network.Computation} {stages}");
        foreach (var (name, tensor) in network.PlainTensors().Where(named => network.StageOf(named.Name) < stages))
        {
            Append($"{name} {tensor.dtype} [{string.Join(", ", tensor.shape)}]");
            hash.AppendData(tensor.detach().cpu().contiguous().bytes);
        }
        return ContentHash.Take(hash);

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\n'));
    }

    public void Dispose() => _intake.Dispose();
}
