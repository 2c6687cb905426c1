using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>What processes exchange in a training, and when.</summary>
[TestClass]
public sealed class ExchangesTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(53);

    private static readonly ModuleFineTuningOptions s_options = SmallModules.Multiclass with
    {
        Epochs = 3,
        BatchSize = 5,
        Optimizer = Optimizer.Sgd(),
        Validation = ValidationData.Fraction(0.3f),
    };

    private static FineTuningTransformer Fit(MLContext ml, ModuleFineTuningOptions options) =>
        ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(ml, s_rows));

    /// <summary>As on a GPU, where the last bits of what processes measure may differ.</summary>
    [TestMethod]
    public void TheEvaluationIsThatOfTheFirstProcess()
    {
        var ranks = ThreadGroup.Run(2, group =>
        {
            var changed = new WatchedGroup(group)
            {
                OnGathered = all =>
                {
                    if (group.Rank == 1 && group.Position.EndsWith("validation", StringComparison.Ordinal))
                        all[0][^3] ^= 1; // a bit of the last output
                },
            };
            return SeveralProcesses.Train(s_options with { Processes = changed }, Fit);
        });

        Assert.IsNotEmpty(ranks[0].Report.Epochs);
        Assert.IsNull(SeveralProcesses.Difference(ranks[0], ranks[1], tolerance: 0));
    }

    [TestMethod]
    public void ABatchOfTheValidationCostsTwoSumsAndTheOutputs()
    {
        var calls = ThreadGroup.Run(2, group =>
        {
            var watched = new WatchedGroup(group);
            SeveralProcesses.Train(s_options with { Processes = watched }, Fit);
            return watched.Calls;
        })[1];

        var validation = calls.Where(call => call.Position == "epoch 2, validation").Select(call => call.Operation).ToList();
        var batches = validation.Count(operation => operation == nameof(ProcessGroup.Gather));
        Assert.IsGreaterThan(2, batches);
        Assert.AreEqual(1, validation.Count(operation => operation == nameof(ProcessGroup.Broadcast)), "the metrics");
        // Unreadable rows; cancellation and stop together; once the time of the epoch.
        Assert.AreEqual(2 * batches + 1, validation.Count(operation => operation == nameof(ProcessGroup.Sum)));
    }

    /// <summary>The sum of a stage's gradients starts before the gradients of the stages below are computed.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)] // a module that runs as a whole: all gradients are there
    public void SumsStartWhileTheBackwardPassGoesOn(bool inStages)
    {
        using var modules = new ThreadLocal<nn.Module?>();
        AnyFactory.Make = context => modules.Value = Large(context, inStages);
        var present = ThreadGroup.Run(2, group =>
        {
            var seen = new List<bool>();
            var watched = new WatchedGroup(group) { OnStartSum = () => seen.Add(HasLowestGradients(modules.Value!)) };
            var options = s_options with { Factory = new AnyFactory(), Epochs = 1, BatchSize = 53, Validation = ValidationData.None };
            SeveralProcesses.Train(options with { Processes = watched }, Fit);
            return seen;
        });

        // Three buckets: the head; the large weight; the lowest part, whose gradients are in the buffer when their sum starts.
        bool[] expected = inStages ? [false, false, false] : [true, true, false];
        foreach (var seen in present)
            CollectionAssert.AreEqual(expected, seen);
    }

    // The weight of the middle is larger than a bucket.
    private static nn.Module Large(ModuleContext context, bool inStages)
    {
        var (one, two, head) = (new Dense(6, 1200), new Dense(1200, 6000), new Dense(6000, context.Outputs));
        return inStages ? nn.Sequential(("one", one), ("two", two), ("head", head)) : new AsWhole(one, two, head);
    }

    private static bool HasLowestGradients(nn.Module module)
    {
        using var scope = NewDisposeScope();
        return module.named_parameters().Any(named => named.name == "one.weight" && named.parameter.grad is not null);
    }

    private sealed class AsWhole : nn.Module<Tensor, Tensor>
    {
        private readonly Dense one;
        private readonly Dense two;
        private readonly Dense head;

        public AsWhole(Dense one, Dense two, Dense head)
            : base(nameof(AsWhole))
        {
            (this.one, this.two, this.head) = (one, two, head);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => head.call(two.call(one.call(input)));

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                one.Dispose();
                two.Dispose();
                head.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
