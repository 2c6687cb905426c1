using System.Collections;
using System.Text.Json;

namespace MlNetFineTune.Networks;

/// <summary>A stage that does not keep its weights.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Replacement">The module that replaces its layers;
/// null where the layers stay and only their weights are reinitialised.</param>
/// <param name="IsFresh">Whether this training is the first with the change; false for a change taken from an earlier model.</param>
internal sealed record StageChange(string Stage, StageModule? Replacement, bool IsFresh = true);

/// <summary>A user's factory of layers, and its name in the model file.</summary>
internal sealed record StageModule(ModuleFactory Factory, ModuleContract Contract)
{
    public bool Equals(StageModule? other) => other?.Contract.Name == Contract.Name
        && JsonElement.DeepEquals(other.Contract.Settings, Contract.Settings);

    public override int GetHashCode() => Contract.Name.GetHashCode(StringComparison.Ordinal);
}

/// <summary>Changes of different stages, in the order of their making. Two lists of the same are equal.</summary>
internal sealed class StageChanges(IReadOnlyList<StageChange> all) : IReadOnlyList<StageChange>, IEquatable<StageChanges>
{
    public static StageChanges None { get; } = new([]);

    public int Count => all.Count;

    public StageChange this[int index] => all[index];

    public StageChanges With(StageChange change) => new([.. all, change]);

    /// <summary>What remains of them once they have been trained: the form, not the freshness.</summary>
    public StageChanges Trained() =>
        new([.. all.Where(change => change.Replacement is not null).Select(change => change with { IsFresh = false })]);

    /// <summary>The same for weights that have not been trained with them.</summary>
    public StageChanges Untrained() => new([.. all.Select(change => change with { IsFresh = true })]);

    public bool Equals(StageChanges? other) => other is not null && all.SequenceEqual(other);

    public override bool Equals(object? obj) => Equals(obj as StageChanges);

    public override int GetHashCode() => all.Count;

    public IEnumerator<StageChange> GetEnumerator() => all.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
