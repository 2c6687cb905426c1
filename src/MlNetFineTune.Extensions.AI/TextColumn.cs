using MlNetFineTune.Data;

namespace MlNetFineTune.Embeddings;

/// <summary>A column of texts.</summary>
/// <param name="name">Name of the column.</param>
internal sealed class TextColumn(string name) : EmbeddedColumn<string, TextColumn.Row>(name)
{
    public override string GeneratorName => "TextEmbeddingGenerator";

    public override Row RowOf(string? value, int place) => new() { Text = value ?? throw Null(place) };

    // Those that enter the network: after truncation, with special tokens. Tokenizing again takes a small part of the network's time.
    public override long? CountTokens(FeaturesTransformer extractor, IReadOnlyList<Row> rows) =>
        extractor.Input is TextInput input && input.Column == Name ? rows.Sum(row => (long)input.CountTokens(row.Text)) : null;

    public override string Unreadable(Row row, int place) =>
        $"Text {place} of the call ({row.Text.Length} characters, counted from 0) has no features: it has more tokens than MaximumLength, "
        + "and TextFeatureOptions.Truncation refuses such texts, or a number of the network is not finite.";

    public override string Mismatch(ArgumentException reason) =>
        $"The model cannot take data whose only column is '{Name}', text: {reason.Message} Fit ExtractTextFeatures on single texts, "
        + "and give the name of their column as textColumnName.";

    internal sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
