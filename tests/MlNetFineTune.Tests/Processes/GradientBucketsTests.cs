using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Processes;

/// <summary>Gradients are summed over processes, whichever of them have which.</summary>
[TestClass]
public sealed class GradientBucketsTests
{
    [TestMethod]
    public void AParameterHasTheSumOfTheGradientsThatThereAre()
    {
        var sums = ThreadGroup.Run(3, group =>
        {
            using var parameters = new Parts();
            using var buckets = new GradientBuckets(group, parameters.All, mostBytes: 40);
            using var scope = NewDisposeScope();
            parameters[0].grad = tensor(new float[] { 1, 2, 3, 4 }, [2, 2], ScalarType.Float32);
            if (group.Rank == 1)
                parameters[1].grad = tensor(new float[] { 5, 6 }, ScalarType.Float32);
            parameters[3].grad = Scalars.Full(30, group.Rank + 1).view(2, 3, 5);

            Assert.AreEqual(3, buckets.Count, "the head, the large one, and the two of the first stage");
            buckets.Complete(stage: 2);
            Assert.IsTrue(buckets.IsPending);
            buckets.Wait(divisor: 2);
            Assert.IsFalse(buckets.IsPending);
            return Array.ConvertAll(parameters.Numbers, parameter => parameter.grad?.Values());
        });

        foreach (var sum in sums)
        {
            CollectionAssert.AreEqual(new[] { 1.5, 3, 4.5, 6 }, sum[0]);
            CollectionAssert.AreEqual(new[] { 2.5, 3 }, sum[1]);
            Assert.IsNull(sum[2], "no process has it, and the optimizer leaves it out");
            Assert.IsTrue(sum[3]!.All(value => value == 3));
        }
    }

    [TestMethod]
    public void ASumThatAnotherProcessDoesNotComputeSaysWhereItWaits()
    {
        ThreadGroup.Run(2, group =>
        {
            if (group.Rank == 1)
                return 0;
            group.Position = "epoch 3, step 12";
            using var parameters = new Parts();
            using var buckets = new GradientBuckets(group, parameters.All, mostBytes: 40);
            var message = Assert.Throws<ProcessGroupException>(() => buckets.Wait(divisor: 1)).Message;
            StringAssert.Contains(message, "epoch 3, step 12, gradients 1 of 3");
            return 0;
        });
    }

    /// <summary>Two parameters of stage 0, one of the head, and a large one of stage 1.</summary>
    private sealed class Parts : IDisposable
    {
        public Parameter[] Numbers { get; } =
            [One(2, 2), One(2), One(3), One(2, 3, 5)];

        public IEnumerable<NetworkParameter> All =>
            Numbers.Zip((int[])[0, 0, 2, 1]).Select((part, index) => new NetworkParameter($"{index}", part.First, part.Second, true));

        public Parameter this[int index] => Numbers[index];

        public void Dispose()
        {
            foreach (var parameter in Numbers)
            {
                parameter.grad = null;
                parameter.Dispose();
            }
        }

        private static Parameter One(params long[] shape) => Parameters.Of(zeros(shape, ScalarType.Float32));
    }
}
