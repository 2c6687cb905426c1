using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A text network in ONNX Runtime: tokenizes the texts of a batch of rows as in training, pads them to the longest of a group of rows, and
/// adds a vector for each output. Runs without libtorch. ML.NET's own ONNX transformer computes one row at a time, of a fixed length.
/// Thread-safe.
/// </summary>
internal sealed class OnnxTextTransformer : ITransformer, IBatchedTransformer, ICanSaveModel, IDisposable
{
    private readonly IHost _host;
    private readonly OnnxTextManifest _manifest;
    private readonly OnnxTextScorer _scorer;
    private readonly OnnxTextScoring _scoring;

    /// <param name="env">Environment of the context.</param>
    /// <param name="manifest">Description of the input and the outputs, with the vocabulary.</param>
    /// <param name="texts">The input that it describes.</param>
    /// <param name="scorer">The network. Disposed with this transformer.</param>
    public OnnxTextTransformer(IHostEnvironment env, OnnxTextManifest manifest, TextInput texts, OnnxTextScorer scorer)
    {
        _host = env.Register(nameof(OnnxTextTransformer));
        (_manifest, _scorer) = (manifest, scorer);
        _scoring = new OnnxTextScoring(_host, this, texts, new OnnxTextColumns(manifest.Outputs), scorer);
    }

    bool ITransformer.IsRowToRowMapper => true;

    int IBatchedTransformer.BatchSize => _scoring.BatchSize;

    /// <param name="env">Environment of the context.</param>
    /// <param name="texts">Input of the network.</param>
    /// <param name="outputs">Outputs of the network in their order.</param>
    /// <param name="path">The network's file, which is copied.</param>
    public static OnnxTextTransformer Create(IHostEnvironment env, TextInput texts, IReadOnlyList<OnnxTextOutput> outputs, string path)
    {
        var file = new TemporaryFile(env, ".onnx");
        try
        {
            File.Copy(path, file.Path);
            var manifest = OnnxTextManifest.Of(texts, outputs, file.Path);
            return new OnnxTextTransformer(env, manifest, texts, new OnnxTextScorer(env, texts, outputs, file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _scoring.Input.ColumnsOf(_host, inputSchema);
        return _scoring.OutputSchemaFor(inputSchema);
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(input, _scoring);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => _scoring.CreateRowMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => _scorer.Read(path => OnnxTextArchive.Save(ctx, _manifest, path));

    /// <summary>Frees the network's memory and its temporary file as soon as no row is being scored.</summary>
    public void Dispose() => _scorer.Dispose();
}
