using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The way from rows to what layers that do not change say of them, which may be kept: read, and forward without gradients.</summary>
/// <param name="intake">Of the network that trains. Disposed with this.</param>
/// <param name="device">Of the network that trains.</param>
/// <param name="seed">Of the training.</param>
/// <param name="workers">Threads that read.</param>
internal abstract class Trunk(Intake intake, Device device, long seed, int workers) : IDisposable
{
    private FeatureLayout? _layout;

    public long Seed => seed;

    public Device Device => device;

    /// <summary>Of the layers, for the log, in the plural.</summary>
    public abstract string Name { get; }

    /// <summary>Whether there is any layer.</summary>
    public abstract bool Computes { get; }

    public BatchLoader LoaderFor(TrainingRows rows) => new(rows.Inputs, seed, workers);

    /// <summary>The input of the network that trains. Caller disposes.</summary>
    public Tensor Enter(Batch batch) => intake.ToTensor(batch.Pixels, batch.Count);

    /// <summary>Through the layers.</summary>
    /// <param name="input">Handed over: it comes back if there is no layer, and is disposed else.</param>
    /// <returns>Caller disposes.</returns>
    public abstract Tensor Forward(Tensor input);

    /// <summary>How the outputs of these rows lie in a store.</summary>
    public FeatureLayout LayoutOf(TrainingRows rows)
    {
        if (_layout is not null)
            return _layout;
        using var features = Forward(intake.ToTensor(new byte[rows.Inputs.Length], count: 1));
        return _layout = new FeatureLayout(features.shape[1..]);
    }

    /// <summary>Hash of all that outputs depend on beside the picture.</summary>
    public abstract ContentHash ComputeIdentity();

    public void Dispose() => intake.Dispose();

    /// <summary>Hash of what computes (this library, its decoder and torch, the device's kind), what it computes, and its tensors.</summary>
    protected ContentHash IdentityOf(string computation, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append($"{typeof(Trunk).Module.ModuleVersionId} {typeof(SkiaSharp.SKCodec).Assembly.FullName} {typeof(torch).Assembly.FullName} {device.type} {computation}");
        foreach (var (name, tensor) in tensors)
        {
            Append($"{name} {tensor.dtype} [{string.Join(", ", tensor.shape)}]");
            hash.AppendData(tensor.detach().cpu().contiguous().bytes);
        }
        return ContentHash.Take(hash);

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\n'));
    }
}
