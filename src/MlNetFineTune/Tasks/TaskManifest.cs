using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The description of a task in a model file. The key values of its classes are stored separately, in ML.NET's binary format.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(MulticlassManifest), MulticlassTask.Kind)]
[JsonDerivedType(typeof(BinaryManifest), BinaryTask.Kind)]
[JsonDerivedType(typeof(RegressionManifest), RegressionTask.Kind)]
[JsonDerivedType(typeof(MultiLabelManifest), MultiLabelTask.Kind)]
[JsonDerivedType(typeof(OrdinalManifest), OrdinalTask.Kind)]
[JsonDerivedType(typeof(SeveralManifest), SeveralTask.Kind)]
[JsonDerivedType(typeof(TokenClassificationManifest), TokenClassificationTask.Kind)]
[JsonDerivedType(typeof(QuestionAnsweringManifest), QuestionAnsweringTask.Kind)]
internal abstract record TaskManifest
{
    /// <param name="keys">The classes; null if the file has none.</param>
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public abstract BoundTask Bind(LabelKeys? keys);

    /// <param name="keys">The classes of each head that has classes.</param>
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public virtual BoundTask BindAll(IReadOnlyList<LabelKeys> keys) => keys.Count <= 1
        ? Bind(keys.SingleOrDefault())
        : throw new ArgumentException($"its task has one head, and {keys.Count} of them have classes");

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
