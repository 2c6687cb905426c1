using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>Reads a vector column, dense or sparse.</summary>
internal sealed class VectorColumn<T>(DataViewRow row, DataViewSchema.Column column)
{
    private readonly ValueGetter<VBuffer<T>> _getter = row.GetGetter<VBuffer<T>>(column);
    private VBuffer<T> _values;
    private T[] _dense = [];

    /// <summary>The current row's dense values, valid until the next call.</summary>
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
