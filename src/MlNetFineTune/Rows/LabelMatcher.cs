using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Rows;

/// <summary>Reads another data view's label as classes of the training's key, by value: its own keys may be numbered otherwise.</summary>
internal static class LabelMatcher
{
    public static Func<int> Reader(IHost host, DataViewRow row, DataViewSchema.Column column, LabelKeys keys)
    {
        var classes = keys.Names.Select((name, index) => (name, index)).ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
        if (column.Type is KeyDataViewType)
        {
            var own = LabelKeys.Of(column);
            if (own.ValueType is not null != keys.ValueType is not null)
                throw host.Except($"Column '{column.Name}' of the validation data {(own.ValueType is null ? "has no key values" : "has key values")}, unlike the training label: the two cannot be matched.");
            var next = LabelColumn.Reader(row, column);
            return () => next() is >= 0 and var key ? Find(own.Names[key]) : -1;
        }

        var text = TextColumn.Reader(host, row, column);
        return () => text() is { Length: > 0 } value ? Find(value) : -1;

        int Find(string name) => classes.TryGetValue(name, out var index)
            ? index
            : throw host.Except($"The validation data have the label '{name}', which the training data do not know. They know: {string.Join(", ", keys.Names.Take(50))}.");
    }
}
