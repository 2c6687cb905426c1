using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Autocast to bfloat16 begins and ends where it is told, on its own thread.</summary>
[TestClass]
public sealed class AutocastTests
{
    [TestMethod]
    public void ProductsAreInBFloat16AndGradientsOfWeightsInFloat32()
    {
        using var scope = NewDisposeScope();
        var (input, weight) = (Formula.Images(2, 8, 8), ones([4, 3, 3, 3], ScalarType.Float32).requires_grad_());

        Tensor output;
        using (Autocast.Begin(DeviceType.CPU))
            output = nn.functional.conv2d(input, weight);
        output.sum().backward();

        Assert.AreEqual(ScalarType.BFloat16, output.dtype);
        Assert.AreEqual(ScalarType.Float32, weight.grad!.dtype);
        Assert.AreEqual(ScalarType.Float32, nn.functional.conv2d(input, weight).dtype, "after the scope");
    }

    [TestMethod]
    public void ScopesNestAndEndWithAnException()
    {
        using var scope = NewDisposeScope();
        var matrix = ones([4, 4], ScalarType.Float32);

        using (Autocast.Begin(DeviceType.CPU))
        {
            Assert.ThrowsExactly<InvalidOperationException>(() =>
            {
                using var inner = Autocast.Begin(DeviceType.CPU);
                throw new InvalidOperationException();
            });
            Assert.AreEqual(ScalarType.BFloat16, matrix.matmul(matrix).dtype, "still within the outer one");
        }
        Assert.AreEqual(ScalarType.Float32, matrix.matmul(matrix).dtype);
    }

    [TestMethod]
    public void AStridedDepthwiseConvolutionIsExactWhileItTrains()
    {
        using var scope = NewDisposeScope();
        using var layer = new Conv2d(3, 3, kernel: 3, stride: 2, groups: 3);
        using (no_grad())
            layer.weight.copy_(Formula.Images(3, 3, 3, offset: 7).narrow(1, 0, 1));
        var input = Formula.Images(2, 8, 8).to_type(ScalarType.BFloat16);
        var expected = layer.forward(input.to_type(ScalarType.Float32)).to_type(ScalarType.BFloat16);

        using var autocast = Autocast.Begin(DeviceType.CPU);
        var trained = layer.forward(input);
        Tensor scored;
        using (no_grad())
            scored = layer.forward(input);

        Assert.IsTrue(trained.equal(expected).all().item<bool>() && trained.dtype == ScalarType.BFloat16);
        Assert.AreEqual(ScalarType.BFloat16, scored.dtype);
        var matrix = ones([4, 4], ScalarType.Float32);
        Assert.AreEqual(ScalarType.BFloat16, matrix.matmul(matrix).dtype, "autocast goes on");
    }

    [TestMethod]
    public void OtherThreadsAreNotAffected()
    {
        using var scope = NewDisposeScope();
        var matrix = ones([4, 4], ScalarType.Float32);
        var elsewhere = ScalarType.Byte;

        using (Autocast.Begin(DeviceType.CPU))
        {
            var thread = new Thread(() =>
            {
                using var product = matrix.matmul(matrix);
                elsewhere = product.dtype;
            });
            thread.Start();
            thread.Join();
        }

        Assert.AreEqual(ScalarType.Float32, elsewhere);
    }

    [TestMethod]
    public void WeightsThatChangeBetweenScopesAreConvertedAgain()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var weight = ones([4, 4], ScalarType.Float32).requires_grad_();
        var input = ones([4, 4], ScalarType.Float32);

        var values = new List<float>();
        for (var i = 0; i < 2; i++)
        {
            using (enable_grad())
            using (Autocast.Begin(DeviceType.CPU))
                values.Add(input.matmul(weight).detach().to(ScalarType.Float32).sum().item<float>());
            weight.mul_(2);
        }

        CollectionAssert.AreEqual(new[] { 64f, 128f }, values);
    }

    [TestMethod]
    [DataRow("micro", 32)]
    [DataRow("convnext", 64)]
    [DataRow("vit", 64)]
    public void NetworksGiveFloat32CloseToTheirOwnWithinTheHeadAndBetweenStages(string network, int size)
    {
        using var classifier = Formula.Classifier(network, 1, "symmetric", network == "vit" ? 1e-6 : 1e-5);
        using var scope = NewDisposeScope();
        using var pixels = ChannelsLast.Of(Formula.Images(2, size, size));
        classifier.PrepareForScoring();
        using var inference = no_grad();
        var exact = classifier.ForwardRest(pixels, 0);

        classifier.UsesBFloat16 = true;
        var first = classifier.ForwardFirst(pixels, 1);
        var outputs = classifier.ForwardRest(pixels, 0);

        Assert.AreEqual(ScalarType.Float32, first.dtype);
        Assert.AreEqual(ScalarType.Float32, outputs.dtype);
        var error = (outputs - exact).abs().max().item<float>() / exact.abs().max().item<float>();
        Assert.IsGreaterThan(0, error, "it is another arithmetic");
        Assert.IsLessThan(0.05f, error);
        var rest = classifier.ForwardRest(first, 1);
        Assert.IsLessThan(0.05f, (rest - exact).abs().max().item<float>() / exact.abs().max().item<float>());
    }
}
