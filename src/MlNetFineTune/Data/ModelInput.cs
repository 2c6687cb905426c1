using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// The input of a network: columns that are encoded to samples of bytes (in training, rows are stored and encoded in any order; in scoring,
/// in the order of the cursor) and collated to named tensors.
/// </summary>
internal abstract class ModelInput
{
    /// <summary>Bytes of an encoded sample; the maximum if samples differ in length.</summary>
    public abstract int Length { get; }

    /// <summary>Shapes of one row of the input tensors, in order.</summary>
    public abstract IReadOnlyList<ModuleContext.InputShape> Shapes { get; }

    /// <summary>
    /// The column if the input is a single column of numbers, for ML.NET's permutation feature importance; otherwise null.
    /// </summary>
    public virtual (string Name, VectorDataViewType Type)? Numbers => null;

    /// <summary>
    /// Preprocessing of the picture that flows through the network; null if the input is not a picture or has several parts.
    /// </summary>
    public virtual ImagePreprocessing? Preprocessing => null;

    /// <summary>
    /// Whether the stages process the first part only, so that activations of frozen stages can be cached by
    /// <see cref="Dataset.ContentOf"/> and the other parts are collated for each batch.
    /// </summary>
    public virtual bool KeepsActivations => Shapes.Count == 1;

    /// <summary>Format of the pictures if the input is one column of pictures; otherwise null.</summary>
    public virtual PictureForm? Pixels => null;

    /// <summary>
    /// Text of everything that determines the activations of a row: equal for inputs with the same encoding, wherever pictures are read
    /// from.
    /// </summary>
    public abstract string Form { get; }

    /// <summary>The rows of tokens if the input is texts or words; otherwise null.</summary>
    public virtual TokenForm? Tokens => null;

    /// <summary>The tokenizer if the input is texts or words; otherwise null.</summary>
    public virtual Tokenizer? Tokenizer => null;

    /// <summary>Number of rows in one forward pass of scoring.</summary>
    public abstract int ScoringBatch(bool isOnGpu);

    /// <summary>Finds the columns in a schema.</summary>
    /// <param name="context">Context of exceptions.</param>
    /// <param name="schema">Schema of the data.</param>
    /// <param name="prefix">Prefix of the columns' role in messages.</param>
    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    public abstract DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "");

    /// <summary>Creates a builder that stores the rows of a cursor.</summary>
    public abstract DatasetBuilder Collect(IHost host, DataViewRow row);

    /// <summary>Creates a reader of the cursor's rows, for scoring.</summary>
    /// <param name="host">Context of exceptions.</param>
    /// <param name="row">The cursor.</param>
    /// <param name="places">Number of rows stored at once.</param>
    public abstract RowReader Read(IHost host, DataViewRow row, int places);

    /// <summary>Creates the collator for a device. The caller disposes it.</summary>
    public abstract Collator CreateCollator(Device device);

    /// <summary>The generated sample whose scores are stored in the model file.</summary>
    public abstract byte[] ProbeSample();

    /// <summary>
    /// One of several generated samples, of which the first, 0, is <see cref="ProbeSample()"/>. Others of texts are shorter, so that
    /// several of them have padding.
    /// </summary>
    public virtual byte[] ProbeSample(int index) => ProbeSample();

    /// <summary>The tensors of an exported network, in the order of <see cref="Shapes"/> and of an encoded sample.</summary>
    /// <exception cref="NotSupportedException">A column cannot be exported; the message names it.</exception>
    public abstract IReadOnlyList<TensorColumn> ToTensors();

    /// <summary>Metadata of an exported network: what prepares its tensors.</summary>
    public virtual IReadOnlyDictionary<string, string> DescribeToFile() => new Dictionary<string, string> { ["features"] = Form };

    /// <summary>The description for the model file, from which the input can be created.</summary>
    public abstract InputManifest Describe();
}

/// <summary>Stores the rows of a cursor, for training.</summary>
internal abstract class DatasetBuilder : IDisposable
{
    /// <summary>Stores the current row.</summary>
    public abstract void Collect();

    /// <summary>Returns the stored rows and transfers ownership.</summary>
    public abstract Dataset ToRows();

    public abstract void Dispose();
}
