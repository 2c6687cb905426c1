using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Values of a batch's rows that pass through beside the scores: row ids and the requested columns. They are copied while the input cursor
/// is at each row and returned when the output cursor reaches it. The input is read once, so that values and scores always belong to the
/// same row.
/// </summary>
internal sealed class CarriedRows
{
    private readonly Dictionary<int, Carried> _columns;
    private readonly Values<DataViewRowId> _ids;

    /// <param name="row">The input cursor.</param>
    /// <param name="columns">Its columns; <see cref="CanCarry"/> is true for each.</param>
    /// <param name="places">Number of rows held at once.</param>
    public CarriedRows(DataViewRow row, IEnumerable<DataViewSchema.Column> columns, int places)
    {
        _ids = new Values<DataViewRowId>(row.GetIdGetter(), places);
        _columns = columns.ToDictionary(column => column.Index, column => Carried.Of(row, column, places));
    }

    /// <summary>
    /// Whether the column's values remain valid after their row. Disposable values do not: ML.NET's transforms dispose an image when the
    /// cursor moves to the next row, and the image may belong to the caller.
    /// </summary>
    public static bool CanCarry(DataViewSchema.Column column) => !typeof(IDisposable).IsAssignableFrom(column.Type.RawType);

    /// <summary>Copies the current row to a place.</summary>
    public void Take(int place)
    {
        _ids.Take(place);
        foreach (var column in _columns.Values)
            column.Take(place);
    }

    public ValueGetter<DataViewRowId> IdGetter(Func<int> place) => (ValueGetter<DataViewRowId>)_ids.Getter(place);

    /// <returns>A <see cref="ValueGetter{TValue}"/> of the column's type; null if the column is not carried.</returns>
    public Delegate? Getter(int column, Func<int> place) => _columns.GetValueOrDefault(column)?.Getter(place);

    private abstract class Carried
    {
        public static Carried Of(DataViewRow row, DataViewSchema.Column column, int places) => column.Type is VectorDataViewType vector
            ? Generic.Invoke(vector.ItemType.RawType, new OfVectors(row, column, places))
            : Generic.Invoke(column.Type.RawType, new OfValues(row, column, places));

        public abstract void Take(int place);

        public abstract Delegate Getter(Func<int> place);
    }

    private sealed class Values<T>(ValueGetter<T> source, int places) : Carried
    {
        private readonly T[] _values = new T[places];

        // Into a new variable: the source must not overwrite an object that was already returned.
        public override void Take(int place)
        {
            T value = default!;
            source(ref value);
            _values[place] = value;
        }

        public override Delegate Getter(Func<int> place) => (ValueGetter<T>)((ref T value) => value = _values[place()]);
    }

    private sealed class Vectors<T>(ValueGetter<VBuffer<T>> source, int places) : Carried
    {
        private readonly VBuffer<T>[] _values = new VBuffer<T>[places];

        public override void Take(int place) => source(ref _values[place]);

        public override Delegate Getter(Func<int> place) =>
            (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[place()].CopyTo(ref value));
    }

    private sealed class OfValues(DataViewRow row, DataViewSchema.Column column, int places) : Generic.IFunction<Carried>
    {
        public Carried Invoke<T>() => new Values<T>(row.GetGetter<T>(column), places);
    }

    private sealed class OfVectors(DataViewRow row, DataViewSchema.Column column, int places) : Generic.IFunction<Carried>
    {
        public Carried Invoke<T>() => new Vectors<T>(row.GetGetter<VBuffer<T>>(column), places);
    }
}
