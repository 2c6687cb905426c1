using System.Text;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>Weights and images that need no file: the twin of tools/reference/formula.py, which explains them.</summary>
internal static class Formula
{
    /// <summary>A network of the fixtures, with formula weights. The caller disposes it.</summary>
    public static ImageNetwork Classifier(
        string network, float width, string padding, double epsilon, ScalarType type = ScalarType.Float32, HeadPooling? pooling = null)
    {
        var backbone = FixtureNetworks.Find(network, width);
        backbone = backbone with
        {
            Padding = padding == "same" ? Backbone.ConvolutionPadding.TensorFlowSame : Backbone.ConvolutionPadding.Symmetric,
        };
        backbone = backbone with { Recipe = backbone.Recipe with { Epsilon = epsilon } };
        backbone = backbone.PooledBy(pooling ?? HeadPooling.Native);
        var classifier = Made(type, () => ImageNetwork.CreateEmpty(backbone, outputs: 10));
        foreach (var (name, tensor) in classifier.NamedTensors())
            Fill(name, tensor);
        return classifier;
    }

    /// <summary>Sets a tensor to the formula values of its name.</summary>
    public static void Fill(string name, Tensor tensor)
    {
        using var noGradients = no_grad();
        using var values = torch.tensor(Values(name, tensor.shape), tensor.shape);
        tensor.copy_(values);
    }

    /// <summary>Makes modules of this type from the start: Module.to would make every parameter anew,
    /// and count the old one for ever.</summary>
    public static T Made<T>(ScalarType type, Func<T> make) => Parameters.MadeOf(type, make);

    /// <summary>[n, 3, height, width]. The caller disposes it.</summary>
    public static Tensor Images(int n, int height, int width, int offset = 0, ScalarType type = ScalarType.Float32)
    {
        var values = new float[n * 3 * height * width];
        for (var i = 0; i < values.Length; i++)
        {
            var j = i + offset;
            values[i] = (float)Math.Sin(0.37 * j + 0.05 * (j % 29));
        }

        using var single = tensor(values, [n, 3, height, width]);
        return single.to(type, copy: true);
    }

    /// <summary>The 32-bit hash of names in the formulas.</summary>
    public static uint Fnv1a(string text)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ b) * 16777619u;
        return hash;
    }

    /// <summary>Of the tensor with this name.</summary>
    public static float[] Values(string name, long[] shape)
    {
        var phase = Fnv1a(name) % 1000 / 1000.0 * 2 * Math.PI;

        var count = shape.Aggregate(1L, (product, size) => product * size);
        var values = new float[count];
        var gain = shape.Length < 2 ? 0 : Math.Sqrt(2.0 / (count / shape[0]));
        for (var i = 0; i < count; i++)
        {
            var v = Math.Sin(phase + 0.7391 * i + 2.1 * (i % 13) * (i % 31));
            values[i] = (float)(shape.Length >= 2 ? v * 1.4 * gain
                : name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal) ? 0.1 * v
                : name.EndsWith("running_var", StringComparison.Ordinal) ? 1 + 0.4 * v
                : 1 + 0.1 * v);
        }

        return values;
    }
}
