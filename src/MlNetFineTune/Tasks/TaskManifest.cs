using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>A task as a model file describes it. The key values of its classes stand beside it, in ML.NET's binary form.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(MulticlassManifest), MulticlassTask.Kind)]
[JsonDerivedType(typeof(BinaryManifest), BinaryTask.Kind)]
[JsonDerivedType(typeof(RegressionManifest), RegressionTask.Kind)]
[JsonDerivedType(typeof(MultiLabelManifest), MultiLabelTask.Kind)]
[JsonDerivedType(typeof(OrdinalManifest), OrdinalTask.Kind)]
internal abstract record TaskManifest
{
    /// <param name="keys">The classes; null where the file has none.</param>
    /// <exception cref="ArgumentException">The description makes no sense.</exception>
    public abstract BoundTask Bind(LabelKeys? keys);

    private protected static void RequireNoKeys(LabelKeys? keys, string kind)
    {
        if (keys is not null)
            throw new ArgumentException($"its task is {kind}, with classes");
    }

    private protected static LabelKeys RequireKeys(LabelKeys? keys, string kind, IReadOnlyList<string> classes)
    {
        if (keys is null)
            throw new ArgumentException($"its task is {kind}, without classes");
        if (!classes.SequenceEqual(keys.Names, StringComparer.Ordinal) && !classes.SequenceEqual(keys.Texts, StringComparer.Ordinal))
            throw new ArgumentException($"its manifest names the classes {SafeText.Several(classes)}, "
                + $"its key {SafeText.Several(keys.Names)}");
        return keys;
    }
}
