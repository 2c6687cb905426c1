using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MlNetFineTune.Networks;

/// <summary>Calls a module of any number of tensors.</summary>
internal static class ModuleCall
{
    /// <summary>The call; null if the module does not take so many tensors.</summary>
    public static Func<Tensor[], Tensor>? Of(Module module, int inputs) => module switch
    {
        Module<Tensor[], Tensor> many => many.call,
        Module<Tensor, Tensor> one when inputs == 1 => x => one.call(x[0]),
        Module<Tensor, Tensor, Tensor> two when inputs == 2 => x => two.call(x[0], x[1]),
        Module<Tensor, Tensor, Tensor, Tensor> three when inputs == 3 => x => three.call(x[0], x[1], x[2]),
        Module<Tensor, Tensor, Tensor, Tensor, Tensor> four when inputs == 4 => x => four.call(x[0], x[1], x[2], x[3]),
        Module<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> five when inputs == 5 => x => five.call(x[0], x[1], x[2], x[3], x[4]),
        Module<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> six when inputs == 6 =>
            x => six.call(x[0], x[1], x[2], x[3], x[4], x[5]),
        _ => null,
    };

    public static string Expected(int inputs) => inputs switch
    {
        1 => "Module<Tensor, Tensor>",
        <= 6 => $"Module<{string.Join(", ", Enumerable.Repeat("Tensor", inputs + 1))}> or Module<Tensor[], Tensor>",
        _ => "Module<Tensor[], Tensor>",
    };
}
