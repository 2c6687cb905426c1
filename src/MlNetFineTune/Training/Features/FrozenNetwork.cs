using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// Frozen layers and their inputs: reading, collating, and the forward pass without gradients. Their outputs can be cached.
/// </summary>
/// <param name="collator">Collator of the trained network. Disposed with this object.</param>
/// <param name="device">Device of the trained network.</param>
/// <param name="seed">Seed of the training.</param>
/// <param name="workers">Number of reading threads.</param>
/// <param name="engine">Computes the layers; null for libtorch. Disposed with this object.</param>
internal abstract class FrozenNetwork(Collator collator, Device device, long seed, int workers, StageEngine? engine = null) : IDisposable
{
    private FeatureLayout? _layout;

    public long Seed => seed;

    public Device Device => device;

    /// <summary>Computes the layers; null for libtorch.</summary>
    protected StageEngine? Engine { get; private set; } = engine;

    /// <summary>Name of the layers in the log, in the plural.</summary>
    public abstract string Name { get; }

    /// <summary>Whether these are stages of the trained network, whose cached rows are counted in the training's report.</summary>
    public abstract bool IsPartOfNetwork { get; }

    /// <summary>Whether there are layers whose outputs can be cached.</summary>
    public abstract bool Computes { get; }

    public BatchLoader LoaderFor(LabeledData rows) => new(rows.Inputs, seed, workers);

    /// <summary>The input of the trained network. The caller disposes it.</summary>
    public ModelInputs Enter(Batch batch) => collator.Collate(batch.Samples, batch.Count);

    /// <summary>The input of a row of zeros, for a process without rows. The caller disposes it.</summary>
    public ModelInputs Placeholder(LabeledData rows) =>
        collator.Collate(new byte[rows.Inputs.Length], count: 1).With(TrainingRows.Placeholder);

    /// <summary>Zeros as outputs of the layers, with the other inputs of a row of zeros. The caller disposes them.</summary>
    public ModelInputs PlaceholderOfOutputs(LabeledData rows)
    {
        var activations = LayoutOf(rows).Zeros(device);
        return new ModelInputs(activations, collator.CollateBeside(new byte[rows.Inputs.BesideLength], count: 1))
            .With(TrainingRows.Placeholder);
    }

    /// <summary>Cached activations together with newly collated other inputs. The caller disposes them.</summary>
    /// <param name="activations">[N, ...]. Ownership is transferred.</param>
    /// <param name="source">The rows.</param>
    /// <param name="rows">[N] row indices.</param>
    public ModelInputs WithBeside(Tensor activations, LabeledData source, int[] rows)
    {
        var length = source.Inputs.BesideLength;
        if (length == 0)
            return activations;
        var beside = new byte[rows.Length * length];
        for (var i = 0; i < rows.Length; i++)
            source.Inputs.EncodeBeside(rows[i], beside.AsSpan(i * length, length));
        return new ModelInputs(activations, collator.CollateBeside(beside, rows.Length));
    }

    /// <summary>Runs the layers.</summary>
    /// <param name="inputs">The inputs. Ownership is transferred: they are returned if there is no layer, otherwise disposed.</param>
    /// <returns>The outputs. The caller disposes them.</returns>
    public abstract ModelInputs Forward(ModelInputs inputs);

    /// <summary>Layout of the outputs of these rows in a store.</summary>
    public FeatureLayout LayoutOf(LabeledData rows)
    {
        if (_layout is not null)
            return _layout;
        using var features = Forward(collator.Collate(new byte[rows.Inputs.Length], count: 1));
        return _layout = new FeatureLayout(features.Activations.shape[1..]);
    }

    /// <summary>Hash of everything that outputs depend on apart from the row.</summary>
    public abstract ContentHash ComputeIdentity();

    /// <summary>Frees the memory of the engine: <see cref="Forward"/> is not called any more.</summary>
    public void EndEngine()
    {
        Engine?.Dispose();
        Engine = null;
    }

    public void Dispose()
    {
        collator.Dispose();
        EndEngine();
    }
}
