using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Serving;

/// <summary>What shows itself only after long service. Run with MLNETFINETUNE_SLOW=1 and a filter on the category Slow;
/// figures in docs/serving.md.</summary>
[TestClass]
[TestCategory(Categories.Slow)]
public sealed class EnduranceTests
{
    private readonly MLContext _ml = new();

    public required TestContext TestContext { get; set; }

    [TestMethod]
    public void AHundredThousandPredictionsLeaveTensorsAndMemoryWhereTheyWere()
    {
        Slow.RequireOrSkip();
        using var model = SmallTraining.LoadModel(_ml);
        var rows = ServedPhoto.Take(70);
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model, example: rows[0]);
        Predict(10_000);
        var (tensors, bytes, watch) = (torch.Tensor.TotalCount, Memory(), Stopwatch.StartNew());

        Predict(100_000);

        var grown = Memory() - bytes;
        TestContext.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"100,000 predictions in {watch.Elapsed.TotalSeconds:0} s, "
                + $"mean batch {predictor.Metrics.MeanBatchSize:0.0}; memory {bytes >> 20} MiB before, "
                + $"grown by {grown / 1048576.0:0.0} MiB; tensors {tensors}"));
        Assert.AreEqual(tensors, torch.Tensor.TotalCount);
        Assert.IsLessThan(30L << 20, grown);
        Assert.AreEqual(0, predictor.Metrics.Failed);

        void Predict(int count) => Parallel.For(
            0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            i => Assert.IsGreaterThan(0u, predictor.Predict(rows[i % rows.Length]).PredictedLabel));

        static long Memory()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    [TestMethod]
    public void EightThreadsForFiveMinutesGetNoErrorAndTheirOwnScores()
    {
        Slow.RequireOrSkip();
        using var model = SmallTraining.LoadModel(_ml);
        var rows = ServedPhoto.Take(70);
        var expected = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(rows)));
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model, example: rows[0]);
        var (watch, answers, errors) = (Stopwatch.StartNew(), 0L, new System.Collections.Concurrent.ConcurrentQueue<Exception>());
        var threads = Enumerable.Range(0, 8).Select(thread => new Thread(() =>
        {
            try
            {
                for (var i = thread; watch.Elapsed < TimeSpan.FromMinutes(5); i++)
                {
                    SmallTraining.AssertClose([expected[i % rows.Length]], [predictor.Predict(rows[i % rows.Length]).Score]);
                    Interlocked.Increment(ref answers);
                }
            }
            catch (Exception e)
            {
                errors.Enqueue(e);
            }
        })).ToArray();

        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        TestContext.WriteLine($"{answers} answers, {predictor.Metrics}");
        if (errors.TryDequeue(out var error))
            Assert.Fail($"{errors.Count + 1} of 8 threads failed, the first with {error}");
        Assert.AreEqual(answers, predictor.Metrics.Rows);
    }
}
