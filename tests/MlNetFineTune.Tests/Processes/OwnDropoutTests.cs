using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>Layers of a user draw from torch's generator, which knows no rows: other numbers in each process.</summary>
[TestClass]
public sealed class OwnDropoutTests
{
    [TestMethod]
    public void EachProcessDrawsItsOwnNumbersAndTheFirstThoseOfOneAlone()
    {
        AnyFactory.Make = context => new Lambda(
            6, context.Outputs, (layer, input) => nn.functional.dropout(layer.call(input), 0.5, training: true));
        var context = new ModuleContext([new ModuleContext.InputShape("Features", [6])], 3);
        var alone = Outputs(ProcessGroup.Single);
        var ranks = ThreadGroup.Run(3, Outputs);

        CollectionAssert.AreEqual(alone, ranks[0]);
        Assert.HasCount(3, ranks.Select(rank => string.Join(' ', rank)).Distinct().ToList());

        double[] Outputs(ProcessGroup group)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using var network = ModuleNetwork.Create(new AnyFactory(), "drops", context, seed: 1);
            network.Processes = group;
            network.BeginTraining(0);
            return network.ForwardInTraining(ones(20, 6, ScalarType.Float32), first: 0, seed: 1, step: 4).Values();
        }
    }
}
