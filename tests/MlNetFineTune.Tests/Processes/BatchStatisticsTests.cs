using MlNetFineTune.Networks;
using MlNetFineTune.Processes;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>BatchNorm over several processes against libtorch's on the whole batch.</summary>
[TestClass]
public sealed class BatchStatisticsTests
{
    private const int Channels = 5;

    private sealed record Pass(double[] Outputs, double[] InputGradient, double[] Parameters, double[] Running);

    [TestMethod]
    [DataRow(2, 6)]
    [DataRow(3, 7)]
    [DataRow(4, 3)] // one process has no row
    public void ValuesGradientsAndRunningStatisticsAreThoseOfTheWholeBatch(int size, int rows)
    {
        var expected = Run(ProcessGroup.Single, rows);
        var ranks = ThreadGroup.Run(size, group => Run(group, rows));

        Fixture.AreClose(expected.Outputs, [.. ranks.SelectMany(rank => rank.Outputs)], 1e-12, "outputs");
        Fixture.AreClose(expected.InputGradient, [.. ranks.SelectMany(rank => rank.InputGradient)], 1e-12, "gradient of the input");
        Fixture.AreClose(
            expected.Parameters, [.. expected.Parameters.Select((_, i) => ranks.Sum(rank => rank.Parameters[i]))], 1e-12, "parameters");
        foreach (var rank in ranks)
            Fixture.AreClose(expected.Running, rank.Running, 1e-12, "running statistics");
        Assert.HasCount(1, ranks.Select(rank => string.Join(' ', rank.Running)).Distinct().ToList(), "the same bits");
    }

    // In single precision the mean is a thousand deviations: the naive sum of squares would lose the variance.
    [TestMethod]
    public void AMeanFarFromZeroLosesNothing()
    {
        var expected = Run(ProcessGroup.Single, 8, offset: 1000);
        var ranks = ThreadGroup.Run(2, group => Run(group, 8, offset: 1000, ScalarType.Float32));
        Fixture.AreClose(expected.Outputs, [.. ranks.SelectMany(rank => rank.Outputs)], 2e-3, "outputs");
        Fixture.AreClose(expected.Running[Channels..], ranks[0].Running[Channels..], 1e-4, "running variance");
    }

    // libtorch sums maps of bfloat16 in single precision.
    [TestMethod]
    public void MapsInBFloat16HaveTheirStatisticsInSinglePrecision()
    {
        var expected = Run(ProcessGroup.Single, 8, type: ScalarType.Float32, maps: ScalarType.BFloat16);
        var ranks = ThreadGroup.Run(2, group => Run(group, 8, type: ScalarType.Float32, maps: ScalarType.BFloat16));

        foreach (var rank in ranks)
            Fixture.AreClose(expected.Running, rank.Running, 1e-5, "running statistics");
        Fixture.AreClose(expected.Outputs, [.. ranks.SelectMany(rank => rank.Outputs)], 0.02, "outputs, which are in bfloat16");
    }

    [TestMethod]
    public void ARowThatAnotherProcessCountsCountsOnce()
    {
        // Row 2 is in both slices, as a row of several pairs is.
        var expected = Run(ProcessGroup.Single, 5);
        int[][] slices = [[0, 1, 2], [2, 3, 4]];
        var ranks = ThreadGroup.Run(2, group => Run(group, 5, rows: slices[group.Rank], counts: [group.Rank == 0, true, true]));

        var ofRow = expected.Outputs.Length / 5;
        Fixture.AreClose(expected.Outputs[..(3 * ofRow)], ranks[0].Outputs, 1e-12, "outputs of the first process");
        Fixture.AreClose(expected.Outputs[(2 * ofRow)..], ranks[1].Outputs, 1e-12, "outputs of the second process");
        Fixture.AreClose(expected.Running, ranks[1].Running, 1e-12, "running statistics");
    }

    [TestMethod]
    public void OneValueAChannelInAllProcessesHasNoVariance()
    {
        var ranks = ThreadGroup.Run(2, group => Run(group, count: 1, side: 1));
        foreach (var rank in ranks)
            Assert.IsTrue(rank.Running[Channels..].All(double.IsNaN), "as in libtorch, so that the batch is left out by all");
    }

    [TestMethod]
    [DataRow("micro", 2)]
    [DataRow("micro", 4)]
    [DataRow("mobilenetv2", 2)]
    [DataRow("densenet", 3)]
    public void ANetworkOverProcessesIsThatOfOne(string network, int size)
    {
        var expected = RunNetwork(network, ProcessGroup.Single, checkpoints: false);
        foreach (var checkpoints in (bool[])[false, true])
        {
            var ranks = ThreadGroup.Run(size, group => RunNetwork(network, group, checkpoints));
            foreach (var (name, values) in expected)
            {
                var isGradient = name.StartsWith("gradient", StringComparison.Ordinal);
                double[] actual = isGradient ? [.. values.Select((_, i) => ranks.Sum(rank => rank[name][i]))] : ranks[^1][name];
                var largest = values.Max(Math.Abs);
                Fixture.AreClose(values, actual, 1e-10 * Math.Max(largest, 1), $"{network}: {name}");
            }
        }
    }

    // One process has the row, the other a placeholder.
    [TestMethod]
    [DataRow(32, "BatchNorm 'features.denseblock4.denselayer1.norm1'")]
    [DataRow(64, null)]
    public void ARowThatCannotBeTrainedAloneIsFoundByAll(int pixels, string? norm)
    {
        var found = ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            using var classifier = Formula.Classifier("densenet", 1, "symmetric", 1e-5);
            classifier.Processes = group;
            classifier.BeginTraining(0);
            using var picture = ChannelsLast.Of(Formula.Images(1, pixels, pixels));
            var rows = group.IsFirst ? new TrainingRows([7]) : TrainingRows.Placeholder;
            return SingleRow.FindUnusableNorm(
                classifier, () => classifier.ForwardInTraining(new ModelInputs(picture, trainingRows: rows), 0, seed: 1, step: 0));
        });
        Assert.IsTrue(found.All(name => name == norm), string.Join(' ', found));
    }

    [TestMethod]
    public void AFailureInTheBackwardPassIsThrownAfterIt()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            var statistics = new BatchStatistics(group);
            var maps = Formula.Images(2, 1, 1).requires_grad_();
            var moments = statistics.Of(maps);
            Assert.AreEqual(4, moments.Count);
            var output = statistics.Normalize(maps, ones(3, ScalarType.Float32), zeros(3, ScalarType.Float32), moments, 1e-5);
            if (group.Rank == 1)
                throw new InvalidOperationException("This one ends.");
            output.mul(output).sum().backward();
            CollectionAssert.AreEqual(new double[6], maps.grad!.Values());
            maps.grad = null;
            Assert.ThrowsExactly<ProcessGroupException>(statistics.ThrowFailure);
            statistics.ThrowFailure(); // once
            return true;
        }));
        Assert.AreEqual("This one ends.", error.Message);
    }

    /// <summary>Gradients of the size of a layer's input are not kept to the end of the step.</summary>
    [TestMethod]
    public void TheBackwardPassLeavesNothingInTheScopeOfItsCaller()
    {
        ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            var statistics = new BatchStatistics(group);
            var maps = Formula.Images(2, 4, 4).requires_grad_();
            var output = statistics.Normalize(
                maps, ones(3, ScalarType.Float32), zeros(3, ScalarType.Float32), statistics.Of(maps), 1e-5);
            var loss = output.mul(output).mul(output).sum();
            var before = scope.DisposablesCount;
            loss.backward();
            statistics.ThrowFailure();
            Assert.AreEqual(before, scope.DisposablesCount);
            Assert.AreNotEqual(0, maps.grad!.Values().Max(Math.Abs), "and libtorch has the gradient");
            maps.grad = null;
            return true;
        });
    }

    [TestMethod]
    [DataRow("micro", false, BatchNormMode.Train, true)]
    [DataRow("micro", false, BatchNormMode.Frozen, false)]
    [DataRow("micro", true, BatchNormMode.Train, false)] // the head alone trains
    [DataRow("vit", false, BatchNormMode.Train, false)]
    public void OnlyATrainingBatchNormNeedsProcessesWithoutRows(string network, bool isFrozen, BatchNormMode mode, bool needs)
    {
        using var classifier = Formula.Classifier(network, 1, "symmetric", 1e-5);
        ThreadGroup.Run(2, group =>
        {
            if (group.IsFirst)
            {
                classifier.Processes = group;
                classifier.BeginTraining(isFrozen ? classifier.Stages.Count : 0, mode);
            }
            return true;
        });
        Assert.AreEqual(needs, classifier.NeedsAllProcesses);
    }

    private static Pass Run(
        ProcessGroup group, int count, double offset = 0, ScalarType type = ScalarType.Float64, int side = 3, int[]? rows = null,
        bool[]? counts = null, ScalarType? maps = null)
    {
        using var scope = NewDisposeScope();
        using var norm = Formula.Made(type, () => new BatchNorm2d(Channels, 1e-5));
        foreach (var (name, parameter) in norm.named_parameters())
            Formula.Fill(name, parameter);
        var statistics = group.IsSeveral ? new BatchStatistics(group) : null;
        norm.Statistics = statistics;
        norm.train();

        using var all = Formula.Images(count * Channels, side, side, type: ScalarType.Float64);
        var batch = all.flatten().narrow(0, 0, count * Channels * side * side).view(count, Channels, side, side).add(offset);
        var own = rows ?? [.. Enumerable.Range(0, count).Take(Slice.Of(count, group))];
        // A process without rows has a placeholder.
        var isEmpty = own.Length == 0;
        var input = (isEmpty ? ones(1, Channels, side, side, ScalarType.Float64) : stack([.. own.Select(row => batch[row])]))
            .to_type(maps ?? type).detach().requires_grad_();
        statistics?.Begin(isEmpty ? TrainingRows.Placeholder : new TrainingRows(own, counts));

        var output = norm.forward(input);
        // Another weight for each number; the placeholder's loss is 0.
        var weights = isEmpty ? zeros_like(input)
            : stack([.. own.Select(row => batch[row].sub(offset).add(0.3 * row).cos())]).to_type(maps ?? type);
        output.mul(output).mul(weights).sum().backward();
        statistics?.ThrowFailure();

        var pass = new Pass(
            isEmpty ? [] : output.Values(), isEmpty ? [] : input.grad!.Values(),
            [.. norm.weight.grad!.Values(), .. norm.bias.grad!.Values()], [.. norm.running_mean.Values(), .. norm.running_var.Values()]);
        norm.weight.grad = norm.bias.grad = null;
        return pass;
    }

    private static Dictionary<string, double[]> RunNetwork(string network, ProcessGroup group, bool checkpoints)
    {
        const int Rows = 3;
        using var classifier = Formula.Classifier(network, 1, "symmetric", 1e-5, ScalarType.Float64);
        classifier.Processes = group;
        classifier.BeginTraining(0);
        using var scope = NewDisposeScope();
        using var pictures = ChannelsLast.Of(Formula.Images(Rows, 64, 64, type: ScalarType.Float64));
        int[] own = [.. Enumerable.Range(0, Rows).Take(Slice.Of(Rows, group))];
        var input = own.Length == 0
            ? new ModelInputs(pictures.narrow(0, 0, 1), trainingRows: TrainingRows.Placeholder)
            : new ModelInputs(pictures.narrow(0, own[0], own.Length), trainingRows: new TrainingRows(own));
        var stages = new CheckpointedStages(
            classifier, first: 0, frozen: 0, seed: 1,
            (inputs, stage, batch) => classifier.ForwardInTraining(inputs, stage, seed: 1, batch));
        var outputs = checkpoints ? stages.Forward(input, batch: 0) : classifier.ForwardInTraining(input, 0, seed: 1, step: 0);
        var loss = own.Length == 0 ? outputs.sum().mul(0)
            : nn.functional.cross_entropy(outputs, tensor(Array.ConvertAll(own, row => (long)row)), reduction: nn.Reduction.Sum);
        loss.backward();
        if (checkpoints)
            stages.Backward();
        classifier.CheckBackward();

        var seen = classifier.NamedTensors().Where(named => named.Name.Contains("running_"))
            .ToDictionary(named => named.Name, named => named.Tensor.Values());
        foreach (var (name, parameter) in classifier.NamedParameters())
        {
            seen[$"gradient of {name}"] = parameter.grad!.Values();
            parameter.grad = null;
        }
        return seen;
    }
}
