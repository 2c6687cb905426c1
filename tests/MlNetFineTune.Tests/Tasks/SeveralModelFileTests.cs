using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>What is fitted for each head is in the model file, and damage to the heads' classes is said clearly.</summary>
[TestClass]
public sealed class SeveralModelFileTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static readonly LearningTask s_fitted = LearningTask.Several(
        new("Grade", LearningTask.Multiclass(calibration: Calibration.Temperature())),
        new("Yes", LearningTask.Binary(calibration: Calibration.Temperature(), threshold: DecisionThreshold.Recall(1))),
        new("Number", LearningTask.Regression(outputRange: (50, 150))),
        new("Tags", LearningTask.MultiLabel(threshold: DecisionThreshold.F1)));

    [TestMethod]
    public void CalibrationAndThresholdsOfEachHeadAreFittedToItsOwnRowsAndSaved()
    {
        var log = new LogLines(_ml);
        var rows = TaskRow.Many(120);
        foreach (var (place, row) in rows.Index())
        {
            row.Yes ^= place % 6 == 0; // so that temperature and threshold have something to do
            row.Grade = place % 5 == 0 ? "" : place % 7 == 0 ? "small" : row.Grade;
        }
        var held = TaskRow.View(_ml, rows.Take(60));
        var options = TaskRow.Module("Several") with { Task = s_fitted, Validation = ValidationData.Set(held), Epochs = 30 };
        using var model = Fit(options, TaskRow.View(_ml, rows.Skip(60)));

        var manifest = (SeveralManifest)model.Task.Describe();
        var grade = (MulticlassManifest)manifest.Heads[0].Task;
        Assert.AreEqual(48, grade.Calibration!.Rows, "twelve of sixty lack the grade");
        Assert.AreNotEqual(1f, grade.Calibration.Temperature);
        var yes = (BinaryManifest)manifest.Heads[1].Task;
        Assert.AreEqual(60, yes.Calibration!.Rows);
        Assert.AreNotEqual(0f, yes.Threshold);
        Assert.IsTrue(((MultiLabelManifest)manifest.Heads[3].Task).Thresholds.Any(threshold => threshold != 0.5f));
        StringAssert.Contains(log.ToString(), "Decision threshold tuned by Recall(1) on 60 validation rows");

        // The calibrated classes are what Calibrator says of the head's own rows; the threshold lets every yes pass.
        var scored = model.Transform(held);
        Assert.AreEqual(
            _ml.MulticlassClassification.Evaluate(scored, "Grade", "GradeScore", predictedLabelColumnName: "GradePredictedLabel").LogLoss,
            grade.Calibration.LossAfter, 1e-5);
        Assert.IsLessThanOrEqualTo(grade.Calibration.LossBefore, grade.Calibration.LossAfter);
        bool[] predicted = [.. scored.GetColumn<bool>("YesPredictedLabel")];
        CollectionAssert.AreEqual(scored.GetColumn<float>("YesScore").Select(score => score > yes.Threshold).ToArray(), predicted);
        Assert.IsTrue(scored.GetColumn<bool>("Yes").Zip(predicted).All(pair => !pair.First || pair.Second), "a recall of 1");

        using var loaded = SmallModules.Reload(_ml, model);
        var again = loaded.Transform(held);
        Assert.AreEqual(
            MlNetFineTune.Primitives.CanonicalJson.Of(yes), MlNetFineTune.Primitives.CanonicalJson.Of(
                ((SeveralManifest)loaded.Task.Describe()).Heads[1].Task));
        CollectionAssert.AreEqual(predicted, again.GetColumn<bool>("YesPredictedLabel").ToArray());
        foreach (var column in (string[])["GradeScore", "TagsScore"])
            SmallTraining.AssertSameBits(SmallTraining.Scores(scored, column), SmallTraining.Scores(again, column));
        foreach (var column in (string[])["YesScore", "YesProbability", "NumberScore"])
            SmallTraining.AssertSameBits([[.. scored.GetColumn<float>(column)]], [[.. again.GetColumn<float>(column)]]);
        CollectionAssert.AreEqual(
            scored.GetColumn<bool[]>("TagsPredictedLabel").SelectMany(tags => tags).ToArray(),
            again.GetColumn<bool[]>("TagsPredictedLabel").SelectMany(tags => tags).ToArray());
    }

    [TestMethod]
    public void DamagedClassesOfHeadsAreRefused()
    {
        var view = TaskRow.View(_ml, TaskRow.Many(40));
        var copied = _ml.Transforms.CopyColumns("Other", "Grade").Fit(view).Transform(view);
        var options = TaskRow.Module("Several") with
        {
            Task = LearningTask.Several(new("Grade", LearningTask.Multiclass()), new("Other", LearningTask.Ordinal())),
            Epochs = 1,
        };
        byte[] zip;
        using (var model = Fit(options, copied))
            zip = SmallTraining.Save(_ml, model);
        var keys = Zip.Entry(zip, "heads.key");

        StringAssert.Contains(LoadFails(_ => null), "its task has 2 heads, and 0 of them have classes");
        StringAssert.Contains(LoadFails(_ => []), "the classes of its heads cannot be read");
        StringAssert.Contains(LoadFails(_ => [255, 255, 255, 255]), "it claims classes of -1 heads");
        StringAssert.Contains(LoadFails(_ => [0, 0, 0, 127]), "it claims classes of 2130706432 heads");
        StringAssert.Contains(LoadFails(bytes => [.. bytes[..4], 255, 255, 255, 127, .. bytes[8..]]), "2147483647 classes");
        StringAssert.Contains(LoadFails(bytes => [1, 0, 0, 0, .. bytes[4..]]), "bytes follow the classes of its heads");
        StringAssert.Contains(LoadFails(bytes => [.. bytes, 0]), "1 bytes follow the classes of its heads");

        string LoadFails(Func<byte[], byte[]?> damage)
        {
            var other = new MLContext();
            other.ComponentCatalog.RegisterAssembly(typeof(TwoLayersFactory).Assembly);
            var error = Assert.Throws<Exception>(
                () => other.Model.Load(new MemoryStream(Zip.With(zip, "heads.key", damage)), out _)).GetBaseException();
            Assert.IsInstanceOfType<InvalidDataException>(error, error.ToString());
            return error.Message;
        }
    }

    [TestMethod]
    public void WhereverTheClassesAreCutOffTheyAreRefused()
    {
        var view = TaskRow.View(_ml, TaskRow.Many(4));
        var keys = MlNetFineTune.MlNet.LabelKeys.Of(view.Schema["Grade"]);
        var bytes = ClassKeys.ToBytes(_ml, [keys, keys]);
        CollectionAssert.AreEqual(TaskRow.Grades, ClassKeys.OfBytes(_ml, bytes)[1].Names.ToArray());

        for (var length = 0; length < bytes.Length; length++)
        {
            var read = Task.Run(() => Assert.ThrowsExactly<InvalidDataException>(() => ClassKeys.OfBytes(_ml, bytes[..length])));
            Assert.IsTrue(read.Wait(TimeSpan.FromSeconds(60)), $"the first {length} of {bytes.Length} bytes are read without end");
        }
    }

    private FineTuningTransformer Fit(ModuleFineTuningOptions options, IDataView view) =>
        (FineTuningTransformer)options.CreateTrainer(_ml).Fit(view);
}
