using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Modules;

/// <summary>BatchNorm in modules, where a layer may hold others and have weights of its own.</summary>
[TestClass]
public sealed class FrozenNormsTests
{
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Cases =>
    [
        // What moves: statistics and weight of the norm in each of two blocks, and the weight of the blocks themselves.
        [Strategy.Full(1), BatchNormMode.Train, "1.mix 1.norm.mean 1.norm.weight 2.mix 2.norm.mean 2.norm.weight"],
        [Strategy.Full(1), BatchNormMode.Frozen, "1.mix 1.norm.weight 2.mix 2.norm.weight"],
        [Strategy.HeadOnly, BatchNormMode.Train, ""],
        [Strategy.LastStages(1), BatchNormMode.Train, "2.mix 2.norm.mean 2.norm.weight"],
        [Strategy.NormAndBias, BatchNormMode.Train, "1.norm.mean 1.norm.weight 2.norm.mean 2.norm.weight"],
        [Strategy.Custom(name => name.StartsWith("block1", StringComparison.Ordinal) ? 1 : 0), BatchNormMode.Train,
            "1.mix 1.norm.mean 1.norm.weight"],
        [Strategy.Custom(name => name == "block1.mix" ? 1 : 0), BatchNormMode.Train, "1.mix"],
        [Strategy.Custom(name => name == "block1.norm.weight" ? 1 : 0), BatchNormMode.Train, "1.norm.mean 1.norm.weight"],
        [Strategy.Gradual(), BatchNormMode.Train, "1.mix 1.norm.mean 1.norm.weight 2.mix 2.norm.mean 2.norm.weight"],
        [Strategy.ProbeThenFull(), BatchNormMode.Frozen, "1.mix 1.norm.weight 2.mix 2.norm.weight"],
    ];

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void OnlyNormsThatTrainMove(Strategy strategy, BatchNormMode batchNorm, string moves)
    {
        AnyFactory.Make = context => new Blocks(context);
        var options = SmallModules.Multiclass with
        {
            Factory = new AnyFactory(),
            Strategy = strategy,
            BatchNorm = batchNorm,
            Epochs = 3,
            Validation = ValidationData.None,
        };
        var before = Train(options with { StopToken = new CancellationToken(canceled: true) });
        var after = Train(options);

        var moved = before.Keys.Where(name => !before[name].SequenceEqual(after[name]))
            .Where(name => name.StartsWith("block", StringComparison.Ordinal) && !name.EndsWith("bias", StringComparison.Ordinal)
                && !name.EndsWith("var", StringComparison.Ordinal))
            .Select(name => name["block".Length..].Replace("running_", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        Assert.AreEqual(moves, string.Join(' ', moved));
    }

    private Dictionary<string, double[]> Train(ModuleFineTuningOptions options)
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, TableRow.Many(40)));
        var path = Path.Combine(SmallPictures.NewFolder(), "weights.safetensors");
        model.SaveWeights(path);
        using var file = WeightFile.Open(path);
        return file.Entries.ToDictionary(entry => entry.Name, entry =>
        {
            using var tensor = empty(entry.Shape);
            file.Read(entry, tensor);
            return tensor.Values();
        });
    }

    private sealed class Blocks : nn.Module<Tensor, Tensor>
    {
        private readonly Block block1;
        private readonly Block block2;
        private readonly Dense last;

        public Blocks(ModuleContext context)
            : base(nameof(Blocks))
        {
            var size = context.Inputs[0].Size;
            (block1, block2, last) = (new Block(size), new Block(size), new Dense(size, context.Outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => last.call(block2.call(block1.call(input)));
    }

    /// <summary>A layer with its own matrix and a nested norm.</summary>
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter mix;
        private readonly BatchNorm2d norm;

        public Block(long size)
            : base(nameof(Block))
        {
            mix = Parameters.Of(eye(size));
            norm = new BatchNorm2d((int)size, 1e-5);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return norm.forward(input.matmul(mix).unsqueeze(2).unsqueeze(3)).flatten(1).tanh().MoveToOuterDisposeScope();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                mix.Dispose();
                norm.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
