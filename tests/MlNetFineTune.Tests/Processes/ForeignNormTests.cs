using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>A BatchNorm that would see the rows of one process alone is refused before a step.</summary>
[TestClass]
public sealed class ForeignNormTests
{
    private static readonly ModuleContext s_context =
        new([new ModuleContext.InputShape("Features", [6])], 3);

    [TestMethod]
    public void OneInAModuleIsRefusedUnlessItKeepsItsStatistics()
    {
        AnyFactory.Make = _ => new Norm();
        using var network = ModuleNetwork.Create(new AnyFactory(), "norm", s_context, seed: 1);
        network.BeginTraining(0);
        var error = RefusedBySeveral(network, 0);
        foreach (var part in (string[])["BatchNorm 'norm' of module 'norm'", "2 processes", "BatchNormMode.Frozen", "LayerNorm"])
            StringAssert.Contains(error, part);
        Assert.IsNull(RefusedBySeveral(network, 0, BatchNormMode.Frozen));
    }

    [TestMethod]
    public void OneInAStageOfAUserIsRefusedWhereTheStageTrains()
    {
        using var network = ImageNetwork.Create(
            SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory()), outputs: 3, seed: 1);
        StringAssert.Contains(RefusedBySeveral(network, 0), "BatchNorm 'layer2.norm' of micro");
        Assert.IsNull(RefusedBySeveral(network, network.Stages.Count));
    }

    [TestMethod]
    [DataRow("scripted.pt", "BatchNorm 'bn1'")]
    [DataRow("traced.pt", null)] // in inference mode for ever
    [DataRow("dropout.pt", null)]
    [DataRow("no-statistics.pt", "A BatchNorm without running statistics")]
    public void OneInAProgramIsRefusedIfItTrains(string file, string? norm)
    {
        using var network = ImageNetwork.Create(
            Backbone.FromTorchScript(
                Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", file),
                SmallTraining.Backbone.Preprocessing), outputs: 3, seed: 1);
        var before = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        var error = RefusedBySeveral(network, 0);
        if (norm is null)
            Assert.IsNull(error);
        else
            StringAssert.Contains(error, $"{norm} of torchscript");
        foreach (var (name, tensor) in network.NamedTensors())
            CollectionAssert.AreEqual(before[name], tensor.Values(), name);
    }

    /// <summary>All processes know, so that none is ended, and the next training has the group.</summary>
    [TestMethod]
    public void ARefusalLeavesTheGroupAlive()
    {
        AnyFactory.Make = _ => new Norm();
        ThreadGroup.Run(2, group =>
        {
            var guarded = new FailingGroup(group, int.MaxValue);
            var options = SmallModules.Multiclass with { Epochs = 1, Processes = guarded };
            var refused = options with { Factory = new AnyFactory() };
            StringAssert.Contains(Assert.Throws<NotSupportedException>(() => Fit(refused)).Message, "BatchNorm 'norm'");
            Assert.IsNull(guarded.Aborted, "all know");
            Fit(options).Dispose();
            return 0;
        });

        static FineTuningTransformer Fit(ModuleFineTuningOptions options) => new MLContext().MulticlassClassification.Trainers
            .FineTuneModule(options).Fit(SmallModules.View(new MLContext(), TableRow.Many(20)));
    }

    private static string? RefusedBySeveral(FineTunedNetwork network, int frozenStages, BatchNormMode mode = BatchNormMode.Train) =>
        ThreadGroup.Run(2, group =>
        {
            if (group.Rank > 0)
                return null;
            network.Processes = group;
            try
            {
                network.BeginTraining(frozenStages, mode);
                return null;
            }
            catch (NotSupportedException e)
            {
                return e.Message;
            }
        })[0];

    private sealed class Norm : nn.Module<Tensor, Tensor>
    {
        private readonly Dense first = new(6, 4);
        private readonly BatchNorm2d norm = new(4, 1e-5);
        private readonly Dense last = new(4, 3);

        public Norm()
            : base(nameof(Norm)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var hidden = norm.forward(first.call(input).unsqueeze(2).unsqueeze(3)).flatten(1);
            return last.call(hidden).MoveToOuterDisposeScope();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
                norm.Dispose();
                last.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
