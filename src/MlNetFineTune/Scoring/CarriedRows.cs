using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Scoring;

/// <summary>
/// What of a batch's rows passes through beside their scores: their ids, and the values of the columns that were asked for. Taken while
/// the input stands on each row, and given out when the row's turn comes; the input is read once, so that a row cannot meet another row's
/// score.
/// </summary>
internal sealed class CarriedRows
{
    private readonly Dictionary<int, Carried> _columns;
    private readonly Values<DataViewRowId> _ids;

    /// <param name="row">Stands on each row in turn.</param>
    /// <param name="columns">Of it; each one <see cref="CanCarry"/>.</param>
    /// <param name="places">Rows that are held at once.</param>
    public CarriedRows(DataViewRow row, IEnumerable<DataViewSchema.Column> columns, int places)
    {
        _ids = new Values<DataViewRowId>(row.GetIdGetter(), places);
        _columns = columns.ToDictionary(column => column.Index, column => Carried.Of(row, column, places));
    }

    /// <summary>
    /// Whether the column's values outlive their row. Those that somebody disposes do not: ML.NET's transforms free an image when they go
    /// on to the next one, and it may be the user's own.
    /// </summary>
    public static bool CanCarry(DataViewSchema.Column column) => !typeof(IDisposable).IsAssignableFrom(column.Type.RawType);

    /// <summary>Takes the present row into a place.</summary>
    public void Take(int place)
    {
        _ids.Take(place);
        foreach (var column in _columns.Values)
            column.Take(place);
    }

    public ValueGetter<DataViewRowId> IdGetter(Func<int> place) => (ValueGetter<DataViewRowId>)_ids.Getter(place);

    /// <returns>A <see cref="ValueGetter{TValue}"/> of the column's type; null where the column is not carried.</returns>
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

        // Into a new variable: an object that was given out before is not the source's to fill again.
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
