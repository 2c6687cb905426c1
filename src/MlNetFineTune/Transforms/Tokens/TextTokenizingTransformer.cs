using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>Adds the tokens of texts, row by row, without libtorch. Thread-safe.</summary>
internal sealed class TextTokenizingTransformer : ITransformer, ICanSaveModel
{
    private readonly IHost _host;
    private readonly TokenizedColumnNames _names;

    /// <param name="env">Environment of the context.</param>
    /// <param name="texts">The input columns, and what encodes them.</param>
    /// <param name="names">Names of the columns to add.</param>
    public TextTokenizingTransformer(IHostEnvironment env, TextInput texts, TokenizedColumnNames names)
    {
        _host = env.Register(nameof(TextTokenizingTransformer));
        (Texts, _names, Columns) = (texts, names, TokenizedColumn.All(names, texts));
    }

    public TextInput Texts { get; }

    public IReadOnlyList<TokenizedColumn> Columns { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return RowToRowMapperTransform.GetOutputSchema(inputSchema, new TokenizingMapper(_host, this, inputSchema));
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Mapped(input);
    }

    public TokenizingManifest Describe() => new()
    {
        FormatVersion = TokenizingManifest.CurrentVersion,
        Input = (TextInputManifest)Texts.Describe(),
        Columns = _names,
    };

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Mapped(new EmptyDataView(_host, inputSchema));

    void ICanSaveModel.Save(ModelSaveContext ctx) => TokenizingArchive.Save(ctx, this);

    private RowToRowMapperTransform Mapped(IDataView input) => new(
        _host, input, new TokenizingMapper(_host, this, input.Schema), schema => new TokenizingMapper(_host, this, schema));
}

/// <summary>Computes the columns of one row after the other.</summary>
internal sealed class TokenizingMapper(IHost host, TextTokenizingTransformer transformer, DataViewSchema schema) : IRowMapper
{
    private readonly HashSet<int> _inputs =
        [.. transformer.Texts.ColumnsOf(host, schema, "").Select(column => column.Index)];

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) =>
        column => _inputs.Contains(column) && Enumerable.Range(0, transformer.Columns.Count).Any(activeOutput);

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        if (!Enumerable.Range(0, transformer.Columns.Count).Any(activeOutput))
            return new Delegate?[transformer.Columns.Count];
        var tokens = new TokenizedRow(row, transformer.Texts);
        return [.. transformer.Columns.Select((column, i) => activeOutput(i) ? column.Getter(tokens) : null)];
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() =>
        [.. transformer.Columns.Select(column => new DataViewSchema.DetachedColumn(column.Name, column.Type))];

    public ITransformer GetTransformer() => transformer;

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw host.ExceptNotSupp("A row mapper is made anew from its transformer; save the transformer.");
}
