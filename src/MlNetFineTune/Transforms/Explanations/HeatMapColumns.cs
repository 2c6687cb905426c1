using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Transforms;

/// <summary>The column of pictures with heat and, if it has a name, the column of map values.</summary>
/// <param name="picture">Name of the column of pictures.</param>
/// <param name="map">Name of the column of map values; null for none.</param>
/// <param name="heat">Draws the heat, and has the size of a map.</param>
internal sealed class HeatMapColumns(string picture, string? map, PictureExplainer heat) : ScoreColumns
{
    /// <summary>Index of the column of pictures.</summary>
    public const int Picture = 0;

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input) =>
        [new(picture, ImageTypes.OfAnySize), .. map is null ? [] : (DataViewSchema.DetachedColumn[])[new(map, MapType)]];

    /// <summary>The same columns for an estimator, before there are data.</summary>
    public SchemaShape.Column[] Shapes() =>
    [
        new(picture, SchemaShape.Column.VectorKind.Scalar, ImageTypes.OfAnySize, isKey: false),
        .. map is null ? [] : (SchemaShape.Column[])
            [new(map, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false)],
    ];

    /// <summary>Each picture is new and disposed by the reader; it is drawn on request.</summary>
    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column == Picture
        ? (ValueGetter<MLImage>)((ref MLImage value) => value = Draw((ScoredBatch)batch, place())!)
        : (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Scores.Copy(batch.ScoresOf(place()), ref value));

    private VectorDataViewType MapType => new(NumberDataViewType.Single, heat.Method.Height, heat.Method.Width);

    private MLImage? Draw(ScoredBatch batch, int place) => batch.StatusOf(place).IsEmpty
        ? heat.Draw(((ExplainedRowReader)batch.Encoded!.Rows).PictureOf(place), batch.ScoresOf(place))
        : null;
}
