using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>A vector column's values; ML.NET may keep only those that are not 0.</summary>
internal sealed class VectorColumn<T>(DataViewRow row, DataViewSchema.Column column)
{
    private readonly ValueGetter<VBuffer<T>> _getter = row.GetGetter<VBuffer<T>>(column);
    private VBuffer<T> _values;
    private T[] _dense = [];

    /// <summary>The present row's, all of them, until the next call.</summary>
    public ReadOnlySpan<T> Next()
    {
        _getter(ref _values);
        if (_values.IsDense)
            return _values.GetValues();
        if (_dense.Length < _values.Length)
            _dense = new T[_values.Length];
        _values.CopyTo(_dense);
        return _dense.AsSpan(0, _values.Length);
    }
}
