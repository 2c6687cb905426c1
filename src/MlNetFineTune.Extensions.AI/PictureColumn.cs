using Microsoft.Extensions.AI;

namespace MlNetFineTune.Embeddings;

/// <summary>A column with the content of picture files.</summary>
/// <param name="name">Name of the column.</param>
internal sealed class PictureColumn(string name) : EmbeddedColumn<DataContent, PictureColumn.Row>(name)
{
    public override string GeneratorName => "ImageEmbeddingGenerator";

    public override Row RowOf(DataContent? value, int place)
    {
        if (value is null)
            throw Null(place);
        return value.HasTopLevelMediaType("image")
            ? new Row { Image = value.Data.ToArray() }
            : throw new ArgumentException(
                $"Value {place} (counted from 0) is {value.MediaType}, and features are of pictures: image/jpeg, image/png, image/gif, "
                + "image/bmp or image/webp.", "values");
    }

    public override long? CountTokens(FeaturesTransformer extractor, IReadOnlyList<Row> rows) => null;

    public override string Unreadable(Row row, int place) =>
        $"Picture {place} of the call ({row.Image.Length} bytes, counted from 0) cannot be read. JPEG, PNG, GIF, BMP and WebP files can.";

    public override string Mismatch(ArgumentException reason) =>
        $"The model cannot take data whose only column is '{Name}', a vector of Byte: {reason.Message} Fit ExtractImageFeatures "
        + "on a column with the content of files, and give its name as imageColumnName.";

    internal sealed class Row
    {
        public byte[] Image { get; set; } = [];
    }
}
