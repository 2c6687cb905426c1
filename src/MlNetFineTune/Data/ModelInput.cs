using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// What enters a network: columns, encoded to samples of bytes (in training rows are kept, and encoded in any order; in scoring they are
/// encoded as they come), and collated to named tensors.
/// </summary>
internal abstract class ModelInput
{
    /// <summary>Bytes of an encoded sample; the most that one has, where samples differ in length.</summary>
    public abstract int Length { get; }

    /// <summary>The tensors that enter, one row of each, in order.</summary>
    public abstract IReadOnlyList<ModuleContext.InputShape> Shapes { get; }

    /// <summary>The one column of numbers, where the input is that and no more: what ML.NET's permutation importance permutes.</summary>
    public virtual (string Name, VectorDataViewType Type)? Numbers => null;

    /// <summary>Of the picture that flows through the network; null where something else does, or several parts enter a module.</summary>
    public virtual ImagePreprocessing? Preprocessing => null;

    /// <summary>
    /// Whether the stages see the first part alone, so that what frozen ones give can be kept by <see cref="Dataset.ContentOf"/>, and what
    /// stands beside it is collated anew.
    /// </summary>
    public virtual bool KeepsActivations => Shapes.Count == 1;

    /// <summary>How pictures enter, where what flows through the network is one column of them; null else.</summary>
    public virtual PictureForm? Pixels => null;

    /// <summary>
    /// All that decides which tensors flow through the stages for a row: equal for inputs that are encoded alike, wherever pictures are
    /// read from.
    /// </summary>
    public abstract string Form { get; }

    /// <summary>Rows in one forward pass of scoring.</summary>
    public abstract int ScoringBatch(bool isOnGpu);

    /// <summary>Finds the columns in data.</summary>
    /// <param name="context">Throws.</param>
    /// <param name="schema">The data's.</param>
    /// <param name="prefix">Of the columns' role in messages.</param>
    /// <exception cref="Exception">A column is missing or of another type; in ML.NET's words.</exception>
    public abstract DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "");

    /// <summary>Keeps the rows that a cursor passes.</summary>
    public abstract DatasetBuilder Collect(IHost host, DataViewRow row);

    /// <summary>Reads the present row, for scoring.</summary>
    /// <param name="host">Throws.</param>
    /// <param name="row">Stands on each row in turn.</param>
    /// <param name="places">Rows that are kept at once.</param>
    public abstract RowReader Read(IHost host, DataViewRow row, int places);

    /// <summary>Makes tensors on a device. The caller disposes it.</summary>
    public abstract Collator CreateCollator(Device device);

    /// <summary>A sample by formula, whose scores are kept in the model file.</summary>
    public abstract byte[] ProbeSample();

    /// <summary>The tensors of an exported network, in the order of <see cref="Shapes"/> and of an encoded sample.</summary>
    /// <exception cref="NotSupportedException">There is no such tensor for a column; the message names it.</exception>
    public abstract IReadOnlyList<TensorColumn> ToTensors();

    /// <summary>What a model file says of it, so that it can be made again.</summary>
    public abstract InputManifest Describe();
}

/// <summary>Keeps the rows that a cursor passes, for training.</summary>
internal abstract class DatasetBuilder : IDisposable
{
    /// <summary>Keeps the present row.</summary>
    public abstract void Collect();

    /// <summary>Hands over what was kept.</summary>
    public abstract Dataset ToRows();

    public abstract void Dispose();
}
