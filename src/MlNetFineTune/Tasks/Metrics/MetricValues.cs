using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace MlNetFineTune.Tasks;

/// <summary>Metrics by name, with value equality, so that records with them compare by value.</summary>
internal sealed class MetricValues : IReadOnlyDictionary<string, double>
{
    private readonly Dictionary<string, double> _values;

    private MetricValues(IReadOnlyDictionary<string, double> values) => _values = new(values, StringComparer.Ordinal);

    public static MetricValues None { get; } = new(new Dictionary<string, double>());

    public int Count => _values.Count;

    public IEnumerable<string> Keys => _values.Keys;

    public IEnumerable<double> Values => _values.Values;

    public double this[string name] => _values[name];

    public static MetricValues Of(IReadOnlyDictionary<string, double> values) => values as MetricValues ?? new(values);

    public bool ContainsKey(string name) => _values.ContainsKey(name);

    public bool TryGetValue(string name, [MaybeNullWhen(false)] out double value) => _values.TryGetValue(name, out value);

    public override bool Equals(object? obj) => obj is MetricValues other && other.Count == Count
        && _values.All(pair => other._values.TryGetValue(pair.Key, out var value) && value.Equals(pair.Value));

    public override int GetHashCode() => Count;

    public IEnumerator<KeyValuePair<string, double>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
