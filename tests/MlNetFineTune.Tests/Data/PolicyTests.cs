using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>RandAugment, TrivialAugmentWide and AugMix: torchvision's tables, and how often what is drawn.</summary>
[TestClass]
public sealed class PolicyTests
{
    private const int Draws = 10_000;

    private static readonly Dictionary<string, Policy> s_policies = new()
    {
        ["RandAugment"] = RandAugment.Policy,
        ["TrivialAugmentWide"] = TrivialAugmentWide.Policy,
        ["AugMix"] = AugMix.PolicyOf(all: true),
        ["AugMixWithoutColor"] = AugMix.PolicyOf(all: false),
    };

    public static IEnumerable<object[]> Names => s_policies.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void OperationsAndMagnitudesAreTorchvisions(string name)
    {
        var policy = s_policies[name];
        var expected = Fixture.Read("augmentations.json").GetProperty("policies").GetProperty(name).EnumerateArray()
            .ToDictionary(row => row[0].GetString()!);
        CollectionAssert.AreEquivalent(expected.Keys, policy.Choices.Select(choice => choice.Operation.ToString()).ToList());
        foreach (var choice in policy.Choices)
        {
            var row = expected[choice.Operation.ToString()];
            Assert.AreEqual(row[1].GetBoolean(), choice.Signed, choice.Operation.ToString());
            var magnitudes = row[2].Numbers();
            for (var bin = 0; bin < magnitudes.Length; bin++)
            {
                // Thresholds, bits and whole pixels are exact; of other numbers the last bit of float32 depends on the machine's vectors,
                // there.
                var magnitude = choice.Magnitude(bin, name.StartsWith(nameof(AugMix), StringComparison.Ordinal) ? AugMix.Bins : 31, 224);
                if (choice.Operation is PolicyOperation.TranslateX or PolicyOperation.TranslateY)
                    Assert.AreEqual((int)magnitudes[bin], (int)magnitude, $"{choice.Operation} {bin}");
                else
                    Assert.AreEqual((float)magnitudes[bin], magnitude, choice.Operation is PolicyOperation.Solarize
                        or PolicyOperation.Posterize ? 0 : 1e-6f * Math.Abs((float)magnitudes[bin]), $"{choice.Operation} {bin}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void EveryOperationIsAsLikelyAndSignsAreToo(string name)
    {
        var policy = s_policies[name];
        var draws = Enumerable.Range(0, Draws).Select(row =>
        {
            var plan = ImagePlan.Whole(224, 224, new ImagePreprocessing());
            var random = new CountedRandom(5, RandomStream.Augmentation, 1, row);
            var drawn = policy.Apply(ref plan, ref random, bin: 15, bins: 31);
            // What was drawn was done: geometry makes a map, the rest an operation on pixels.
            var geometry = drawn.Operation is >= PolicyOperation.ShearX and <= PolicyOperation.Rotate;
            Assert.AreEqual((geometry, !geometry && drawn.Operation != PolicyOperation.Identity),
                (plan.Warp is not null, plan.Pixels is not null));
            return drawn;
        }).ToArray();
        EmpiricalDistribution.IsEven(draws.Select(draw => draw.Operation), policy.Choices.Count, name);
        var signed = policy.Choices.Where(choice => choice.Signed).Select(choice => choice.Operation).ToHashSet();
        EmpiricalDistribution.IsEven(draws.Where(draw => signed.Contains(draw.Operation)).Select(draw => draw.Magnitude < 0), 2, "signs");
        Assert.IsTrue(draws.All(draw => draw.Magnitude >= 0 || signed.Contains(draw.Operation)));
    }

    [TestMethod]
    public void RandAugmentDoesSoManyOperationsOfOneMagnitude()
    {
        var plans = Drawn.Plans(new RandAugment(count: 3, magnitude: 30), 2000);
        Assert.AreEqual(3, plans.Max(plan => plan.Pixels?.Operations.Count ?? 0));
        var factors = plans.SelectMany(plan => plan.Pixels?.Operations ?? []).Where(operation => operation.Filter == ColorTables.Brightness)
            .Select(operation => operation.Value).ToArray();
        Assert.IsGreaterThan(200, factors.Length);
        Assert.IsTrue(factors.All(factor => Math.Abs(factor - 1.9) < 1e-6 || Math.Abs(factor - 0.1) < 1e-6));
    }

    [TestMethod]
    public void TrivialAugmentsMagnitudesAreEvenlySpread()
    {
        var values = Drawn.Plans(new TrivialAugmentWide(), 5 * Draws).SelectMany(plan => plan.Pixels?.Operations ?? [])
            .Where(operation => operation.Filter == ColorTables.Solarize).Select(operation => operation.Value).ToArray();
        EmpiricalDistribution.IsEven(values, 31, "thresholds");
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(0.5f)]
    public void WeightsOfMixedChainsAreDirichlets(float alpha)
    {
        var mix = new AugMix(mixtureWidth: 3, alpha: alpha);
        var weights = Enumerable.Range(0, Draws).Select(row =>
        {
            var drawn = new float[4];
            var random = new CountedRandom(1, RandomStream.AugMix, 1, row);
            mix.DrawWeights(ref random, drawn);
            Assert.AreEqual(1, drawn.Sum(), 1e-5);
            return drawn;
        }).ToArray();
        // The original's is Beta(alpha, alpha); a chain's share of the rest is Beta(alpha, 2 alpha).
        EmpiricalDistribution.Follows(
            weights.Select(w => (double)w[0]), x => alpha == 1 ? x : 2 / Math.PI * Math.Asin(Math.Sqrt(Math.Clamp(x, 0, 1))), "original");
        for (var chain = 1; chain <= 3; chain++)
            EmpiricalDistribution.Follows(
                weights.Where(w => w[0] < 0.999).Select(w => w[chain] / (1.0 - w[0])),
                x => alpha == 1 ? 1 - (1 - x) * (1 - x) : Math.Sqrt(Math.Clamp(x, 0, 1)), $"chain {chain}");
    }

    [TestMethod]
    public void AChainHasOneToThreeOperationsOfTheWeakestMagnitudes()
    {
        var plans = Enumerable.Range(0, Draws).Select(row =>
        {
            var plan = ImagePlan.Whole(224, 224, new ImagePreprocessing());
            var random = new CountedRandom(1, RandomStream.AugMix, 1, row);
            new AugMix(severity: 3).ApplyChain(ref plan, ref random);
            return plan;
        }).ToArray();
        // 8 of 13 operations act on pixels; of d operations all are such with (8/13)^d, and each depth has a third.
        foreach (var depth in new[] { 1, 2, 3 })
        {
            var share = Enumerable.Range(depth, 4 - depth)
                .Sum(d => Binomial(d, depth) * Math.Pow(8 / 13.0, depth) * Math.Pow(5 / 13.0, d - depth)) / 3;
            EmpiricalDistribution.IsShare(
                plans.Count(plan => plan.Pixels?.Operations.Count == depth), Draws, share, $"{depth} operations on pixels");
        }
        var factors = plans.SelectMany(plan => plan.Pixels?.Operations ?? []).Where(operation => operation.Filter == ColorTables.Brightness)
            .Select(operation => Math.Round(Math.Abs(operation.Value - 1), 4));
        CollectionAssert.AreEquivalent(new[] { 0, 0.1, 0.2 }, factors.Distinct().ToArray());

        static int Binomial(int n, int k) => (n, k) switch { (3, 1) or (3, 2) => 3, (2, 1) => 2, _ => 1 };
    }

    [TestMethod]
    public void AMixIsTheWeightedSumOfTheOriginalAndItsChains()
    {
        const int size = 64;
        var mix = new AugMix(severity: 10, mixtureWidth: 2);
        var preprocessing = new ImagePreprocessing { Size = size };
        for (var row = 0; row < 10; row++)
        {
            var random = new CountedRandom(9, RandomStream.Augmentation, 1, row);
            var key = random.NextDouble();
            var mixed = Drawn.Square(size, (ref plan) =>
            {
                var random = new CountedRandom(9, RandomStream.Augmentation, 1, row);
                mix.Apply(ref plan, ref random);
            });

            // The same draws, one after another, by the means that everything else is drawn with.
            var chains = AugMix.ChainsOf(key);
            var weights = new float[3];
            mix.DrawWeights(ref chains, weights);
            var parts = new List<byte[]> { Drawn.Square(size, (ref _) => { }) };
            for (var chain = 0; chain < 2; chain++)
                parts.Add(Drawn.Square(size, (ref plan) => mix.ApplyChain(ref plan, ref chains)));
            for (var i = 0; i < mixed.Length; i++)
                Assert.AreEqual(parts.Zip(weights, (part, weight) => (double)part[i] * weight).Sum(), mixed[i] + 0.5, 0.51,
                    $"row {row}, byte {i}");
        }
    }
}
