using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Modules made of TorchSharp's own layers, and how many tensors TorchSharp counts though they are gone.</summary>
internal static class TorchLayers
{
    /// <summary>Linear, GELU, Linear, dropout, Linear: three stages, the last of which is the head.</summary>
    public static nn.Module Deep(ModuleContext context, double dropout = 0.3) => nn.Sequential(
        ("in", nn.Linear(context.Inputs[0].Size, 24)), ("act", nn.GELU()), ("mid", nn.Linear(24, 20)), ("relu", nn.ReLU(inplace: true)),
        ("drop", nn.Dropout(dropout)), ("head", nn.Linear(20, context.Outputs)));

    /// <summary>Two convolutions over [1, 2, 3] numbers, a norm, pooling and a head.</summary>
    public static nn.Module Convolutions(ModuleContext context) => nn.Sequential(
        ("conv1", nn.Conv2d(1, 8, 3, padding: 1)), ("norm", nn.BatchNorm2d(8)), ("relu1", nn.ReLU()),
        ("conv2", nn.Conv2d(8, 8, (2, 3), stride: (1, 2), padding: (1, 1), dilation: (1, 1))), ("gelu", nn.GELU()),
        ("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten()), ("head", nn.Linear(8, context.Outputs)));

    /// <summary>Two convolutions over pictures, padded in two ways, and a head.</summary>
    public static nn.Module Pictures(ModuleContext context) => nn.Sequential(
        ("conv1", nn.Conv2d(3, 8, 3, stride: 2, padding: 1, padding_mode: PaddingModes.Reflect)), ("relu", nn.ReLU()),
        ("conv2", nn.Conv2d(8, 12, 3, padding: Padding.Same)), ("gelu", nn.GELU()), ("pool", nn.AdaptiveAvgPool2d(1)),
        ("flat", nn.Flatten()),
        ("head", nn.Linear(12, context.Outputs)));

    /// <summary>A custom forward: two layers with a residual connection.</summary>
    public static nn.Module Custom(ModuleContext context) => new CustomModule(context.Inputs[0].Size, context.Outputs, calls: true);

    /// <summary>The same by `forward`, past all hooks.</summary>
    public static nn.Module PastHooks(ModuleContext context) => new CustomModule(context.Inputs[0].Size, context.Outputs, calls: false);

    /// <summary>Runs a test whose modules are of a kind. What TorchSharp miscounts for each of them is expected,
    /// and nothing else may stay.</summary>
    /// <param name="make">Makes one.</param>
    /// <param name="test">Says how many it made.</param>
    public static void Count(Func<ModuleContext, nn.Module> make, Action<Action<int>> test)
    {
        // Finalizers of what earlier tests have miscounted would count backwards in the middle.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        make(new ModuleContext([new ModuleContext.InputShape("Features", [6])], 3)).Dispose();
        var (miscount, made) = (Tensor.TotalCount - before, 0);
        test(count => made += count);
        Assert.IsLessThanOrEqualTo(made * miscount, Tensor.TotalCount - before - miscount, "live tensors");
        MiscountedTensors.Expect((made + 1) * miscount);
    }

    private sealed class CustomModule : nn.Module<Tensor, Tensor>
    {
#pragma warning disable IDE1006 // The names of the tensors.
        private readonly TorchSharp.Modules.Linear wide;
        private readonly TorchSharp.Modules.Linear narrow;
        private readonly TorchSharp.Modules.Linear head;
#pragma warning restore IDE1006
        private readonly bool _calls;

        public CustomModule(long inputs, long outputs, bool calls)
            : base(nameof(CustomModule))
        {
            (wide, narrow, head, _calls) = (nn.Linear(inputs, 24), nn.Linear(24, 20), nn.Linear(20, outputs), calls);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var maps = _calls ? narrow.call(wide.call(input).tanh()) : narrow.forward(wide.forward(input).tanh());
            return head.call(maps.sin()).MoveToOuterDisposeScope();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                wide.Dispose();
                narrow.Dispose();
                head.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}

/// <summary>Saved and loaded: finds its module by the name of a kind.</summary>
[ModuleFactory("torch layers")]
public sealed class TorchLayersFactory : ModuleFactory
{
    public string Kind { get; init; } = "Deep";

    public override nn.Module Create(ModuleContext context) => Kind switch
    {
        "Deep" => TorchLayers.Deep(context),
        "Convolutions" => TorchLayers.Convolutions(context),
        "Pictures" => TorchLayers.Pictures(context),
        _ => TorchLayers.Custom(context),
    };
}
