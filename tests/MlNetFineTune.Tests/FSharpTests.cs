using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using MlNetFineTune.FSharp;

namespace MlNetFineTune.Tests;

/// <summary>
/// What the public interface is to F#, whose compiler takes only arrays as lists of any length, and knows no extension properties:
/// <c>tests/MlNetFineTune.FSharp</c>.
/// </summary>
[TestClass]
public sealed class FSharpTests
{
    [TestMethod]
    public void FSharpNeedNotGiveListsThatMayBeEmpty()
    {
        CollectionAssert.AreEqual(new[] { "Features", "Series" }, Snippets.inputs.Select(input => input.ColumnName).ToArray());
        Assert.AreEqual(Augmentation.Sequence(new RandomResizedCrop(0.25f), new HorizontalFlip()), Snippets.augmentation);
        CollectionAssert.AreEqual(new[] { "Of(1, 5)", "Of(crack: 5)" }, Snippets.classWeights.Select(weights => weights.ToString()).ToArray());
        Assert.AreEqual(TestTimeAugmentation.MultiScale(1, 1.25f).ToString(), Snippets.views.ToString());
    }

    [TestMethod]
    public void FSharpReachesTrainersAndTools()
    {
        var ml = new MLContext();
        Assert.IsNotNull(Snippets.trainer(ml));
        Assert.IsNotNull(Snippets.fineTuning(ml));
        StringAssert.Contains(Snippets.options.Describe(), "at learning rate 1e-4");
    }

    // F# and C# before 13 see another kind of list as one that must always be given.
    [TestMethod]
    public void ListsOfAnyLengthAreArrays()
    {
        var others = new[] { typeof(Backbone).Assembly, typeof(OnnxPrecision).Assembly }
            .SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsVisible)
            .SelectMany(type => type.GetMethods().Cast<MethodBase>().Concat(type.GetConstructors()))
            .Where(method => method.GetParameters().Any(parameter => parameter.IsDefined(typeof(ParamCollectionAttribute), inherit: false)))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").ToList();
        Assert.IsEmpty(others, string.Join(", ", others));
    }
}
