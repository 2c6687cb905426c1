using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// Reads the label of other data as classes of the training's key: by value if both have the same type, since their key indices may differ;
/// by text if the types differ. Labels that the training data do not have are reported together at the end.
/// </summary>
internal sealed class LabelMatcher : OtherLabels
{
    private const int MostNamed = 50;

    private readonly IHost _host;
    private readonly DataViewSchema.Column _column;
    private readonly LabelKeys _keys;
    private readonly LabelKeys? _own;
    private readonly PrimitiveDataViewType? _type;
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);

    /// <exception cref="Exception">The types cannot be matched.</exception>
    public LabelMatcher(IHost host, DataViewSchema.Column column, LabelKeys keys)
    {
        (_host, _column, _keys) = (host, column, keys);
        if (column.Type is not PrimitiveDataViewType type)
            throw host.ExceptSchemaMismatch(
                "validation", "validation label", column.Name,
                "Key, or one value a row of the type that the training label's key was made of", column.Type.ToString());
        _own = type is KeyDataViewType ? LabelKeys.Of(column) : null;
        _type = _own is null ? type : _own.ValueType;
        if (_type is null != keys.ValueType is null)
        {
            throw host.Except(
                $"Column '{column.Name}' of the validation data "
                    + $"{(_own is null ? $"is no key ({type})" : _type is null ? "has no key values" : "has key values")}, "
                    + $"and the training label {(keys.ValueType is null ? "has no key values" : "has key values")}: "
                + "the two cannot be matched. Make both by Conversion.MapValueToKey.");
        }
    }

    private bool IsOfTheSameType => Equals(_type, _keys.ValueType);

    public override LabelReader Reader(DataViewRow row)
    {
        if (_own is not null)
        {
            var places = _keys.PlacesOf(_own);
            var next = LabelColumn.Reader(row, _column);
            return label => next() is >= 0 and var key && Know(places[key], _own.Names[key], label);
        }
        var text = ValueText.Reader(row, _column, exact: IsOfTheSameType);
        return label => text() is { } value && Know(_keys.PlaceOf(value, exact: IsOfTheSameType), value, label);
    }

    public override void Finish(IChannel channel)
    {
        if (_unknown.Count > 0)
        {
            var unknown = string.Join(
                ", ", _unknown.Order(StringComparer.Ordinal).Take(MostNamed).Select(name => SafeText.Quoted(name)))
                + (_unknown.Count > MostNamed ? ", ..." : "");
            throw _host.Except(
                $"The validation data have labels that the training data do not know: {unknown}. "
                + $"They know: {SafeText.Several(_keys.Names)}."
                + (IsOfTheSameType ? "" : $" Labels of {_type} were looked for among values of {_keys.ValueType} by their text: "
                    + "give both one type."));
        }
        if (!IsOfTheSameType)
            channel.Info($"Column '{_column.Name}' of the validation data holds {_type}, and the training label {_keys.ValueType}: "
                + "all labels were matched by their text.");
    }

    private bool Know(int place, string name, Span<float> label)
    {
        label[0] = place;
        if (place < 0 && _unknown.Count <= MostNamed)
            _unknown.Add(name);
        return place >= 0;
    }
}
