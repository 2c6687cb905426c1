using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static MlNetFineTune.Tests.Support.LossFixture;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Loss, gradients and six steps of a student, and the pixels that its teacher sees, against PyTorch's numbers
/// (tools/reference/distillation_fixture.py).</summary>
[TestClass]
public sealed class DistillationNumbersTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("distillation.json");

    private static readonly ImagePreprocessing s_imageNet = new() { Size = 32 };

    [TestMethod]
    public void LossAndGradientsAreTheReferencesWithEveryLossAndWeight()
    {
        foreach (var expected in s_fixture.GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var logits = Logits("losses.logits", [6, 5]);
            var teacher = tensor(Formula.Values("distillation.teacher", [6, 5]), [6, 5]).to_type(ScalarType.Float64).mul_(5);
            var softTargets = new SoftTargetLoss((float)expected.Number("temperature"), (float)expected.Number("weight"));
            var objective = new MulticlassObjective(
                5, LossOf(expected), Said(expected, "classWeights") ? WeightsOfClasses : null, softTargets: softTargets);

            var mean = objective.Loss(logits,
                TargetsOf(objective, Labels, expected, Said(expected, "mixed")) with { TeacherLogits = teacher });
            mean.backward();

            Fixture.AreClose([expected.Number("mean")], mean.Values(), 1e-9, expected.ToString());
            Fixture.AreClose(expected.GetProperty("gradient").Numbers(), logits.grad!.Values(), 1e-9, $"gradient of {expected}");
            logits.grad = null;
        }
    }

    [TestMethod]
    public void ValidationJudgesByTheLabelsAlone()
    {
        using var scope = NewDisposeScope();
        var (plain, taught) = (new MulticlassObjective(5), new MulticlassObjective(5, softTargets: new SoftTargetLoss(4, 0.9f)));
        var (logits, labels) = (Logits("losses.logits", [6, 5]), tensor(new long[] { 3, 0, 4, 0, 1, 3 }));

        Assert.AreEqual(plain.EvaluateLoss(logits, new Targets(labels)), taught.EvaluateLoss(logits, new Targets(labels)));
    }

    [TestMethod]
    public void AStudentFollowsPyTorchStepByStep()
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("training");
        using var student = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var scorer = ScorerOf(Formula.Classifier("resnet20", 1, "symmetric", 1e-5));
        using var teacher = new Teacher(
            new SourceModel(scorer.Read, () => new string('0', 64), keys: null,
                Backbone.CifarResNet(20) with
                {
                    Preprocessing = new ImagePreprocessing { Size = 40, Mean = ColorTriple.Half, Std = ColorTriple.Half }
                }, weights: null),
            [.. Enumerable.Range(0, 10).Select(c => Array.IndexOf([.. expected.GetProperty("order").Numbers()], c))],
            new PictureForm(s_imageNet, 3), "student", CPU);
        var objective = new MulticlassObjective(10, softTargets: new SoftTargetLoss(4, 0.75f));
        using var optimizer = optim.SGD(student.NamedParameters().Select(named => named.Parameter), learningRate: 0.05);
        student.BeginTraining(frozenStages: 0);

        var losses = Enumerable.Range(0, 6).Select(step =>
        {
            using var stepScope = NewDisposeScope();
            var pixels = Formula.Images(4, 32, 32, offset: 1000 * step);
            var labels = tensor(Enumerable.Range(step, 4).Select(k => (long)(k % 10)).ToArray());
            var loss = objective.Loss(student.ForwardRest(pixels, 0), new Targets(labels, TeacherLogits: teacher.LogitsOf(pixels)));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            return loss.Values()[0];
        }).ToArray();

        Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-4, "loss at step");
        Fixture.AreClose(expected.GetProperty("headBias").Numbers(), ((LinearHead)student.Head).bias.Values(), 1e-4, "bias of the head");
        foreach (var (_, parameter) in student.NamedParameters())
            parameter.grad = null;
        scorer.Read(
            network => Assert.IsTrue(network.NamedParameters().All(named => named.Parameter.grad is null), "the teacher has no gradients"));
    }

    [TestMethod]
    public void PixelsBecomeThoseOfTheTeacher()
    {
        foreach (var expected in s_fixture.GetProperty("pixels").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var size = (int)expected.Number("size");
            using var translator = new PixelTranslator(
                s_imageNet with { Size = 48 }, new ImagePreprocessing { Size = size, Mean = ColorTriple.Half, Std = ColorTriple.Half },
                channels: 3, CPU);

            var pixels = translator.Translate(Formula.Images(2, 48, 48)).contiguous().Values();

            Fixture.AreClose(expected.GetProperty("values").Numbers(), [.. pixels.Where((_, index) => index % 97 == 0)], 1e-5,
                $"{size} pixels");
        }
    }

    [TestMethod]
    public void ATeacherThatSeesAsTheStudentSeesTheSameBits()
    {
        using var scope = NewDisposeScope();
        using var translator = new PixelTranslator(s_imageNet, s_imageNet with { CropFraction = 1 }, channels: 3, CPU);
        var pixels = Formula.Images(2, 32, 32);

        CollectionAssert.AreEqual(pixels.Values(), translator.Translate(pixels).Values());
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        foreach (var temperature in new[] { 0, -1, float.NaN, float.PositiveInfinity })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SoftTargetLoss(temperature, 0.9f)).Message,
                "The temperature must be above 0.");
        foreach (var weight in new[] { 0, -0.5f, 1.01f, float.NaN })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SoftTargetLoss(4, weight)).Message,
                "above 0 and at most 1; without one, take Distillation.None");
    }

    private static NetworkScorer ScorerOf(ImageNetwork classifier)
    {
        classifier.PrepareForScoring();
        return new NetworkScorer(new SharedNetwork(classifier, Trained.InputOf(classifier.Definition)), new MulticlassObjective(10),
            [Augmentation.None]);
    }
}
