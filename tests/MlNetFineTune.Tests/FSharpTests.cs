using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tests;

/// <summary>
/// What the public interface is to F#, whose compiler takes only arrays as lists of any length, and knows no extension properties:
/// <c>tests/MlNetFineTune.FSharp</c>, compiled with the tests.
/// </summary>
[TestClass]
public sealed class FSharpTests
{
    // By name: `dotnet format` does not see what a project in F# offers to one in C#.
    private static readonly Type s_snippets = Assembly.Load("MlNetFineTune.FSharp")
        .GetType("MlNetFineTune.FSharp.Snippets", throwOnError: true)!;

    [TestMethod]
    public void FSharpNeedNotGiveListsThatMayBeEmpty()
    {
        CollectionAssert.AreEqual(new[] { "Features", "Series" }, Value<ModuleInput[]>("inputs").Select(input => input.ColumnName)
            .ToArray());
        Assert.AreEqual(
            Augmentation.Sequence(Augmentation.RandomResizedCrop(0.25f), Augmentation.HorizontalFlip()),
            Value<Augmentation>("augmentation"));
        CollectionAssert.AreEqual(
            new[] { "Of(1, 5)", "Of(crack: 5)" }, Value<ClassWeights[]>("classWeights").Select(weights => weights.ToString()).ToArray());
        Assert.AreEqual(TestTimeAugmentation.MultiScale(1, 1.25f).ToString(), Value<TestTimeAugmentation>("views").ToString());
    }

    [TestMethod]
    public void FSharpReachesTrainersAndTools()
    {
        var ml = new MLContext();
        Assert.IsInstanceOfType<FineTuningTrainer>(s_snippets.GetMethod("trainer")!.Invoke(null, [ml]));
        Assert.IsInstanceOfType<FineTuningCatalog>(s_snippets.GetMethod("fineTuning")!.Invoke(null, [ml]));
        StringAssert.Contains(Value<ImageFineTuningOptions>("options").Describe(), "at learning rate 1e-4");
    }

    [TestMethod]
    public void FSharpReachesGroupsOfProcesses()
    {
        Assert.AreSame(ProcessGroup.Single, s_snippets.GetMethod("processes")!.Invoke(null, []));
        Assert.AreEqual(0, s_snippets.GetMethod("localRank")!.Invoke(null, [ProcessGroup.Single]));
    }

    // F# and C# before 13 see another kind of list as one that must always be given.
    [TestMethod]
    public void ListsOfAnyLengthAreArrays()
    {
        var others = new[] { typeof(Backbone).Assembly, typeof(OnnxPrecision).Assembly, typeof(MpiOptions).Assembly }
            .SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsVisible)
            .SelectMany(type => type.GetMethods().Cast<MethodBase>().Concat(type.GetConstructors()))
            .Where(method => method.GetParameters().Any(parameter => parameter.IsDefined(typeof(ParamCollectionAttribute), inherit: false)))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").ToList();
        Assert.IsEmpty(others, string.Join(", ", others));
    }

    private static T Value<T>(string name) => (T)s_snippets.GetProperty(name)!.GetValue(null)!;
}
