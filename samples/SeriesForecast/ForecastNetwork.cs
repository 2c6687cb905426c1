using MlNetFineTune;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SeriesForecast;

/// <summary>An LSTM over the hours and a linear layer for the forecast: [N, hours, 2] -> [N, 1].</summary>
internal sealed class ForecastNetwork : nn.Module<Tensor, Tensor>
{
    private readonly LSTM _memory;
    private readonly Linear _head;

    public ForecastNetwork(ModuleContext context, int width)
        : base(nameof(ForecastNetwork))
    {
        _memory = nn.LSTM(inputSize: context.Inputs[0].Dimensions[^1], hiddenSize: width, batchFirst: true);
        _head = nn.Linear(width, context.Outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor hours)
    {
        var (states, _, _) = _memory.call(hours, null); // [N, hours, width]
        return _head.call(states.select(1, -1)); // the state after the last hour
    }
}

/// <summary>The public property is saved with the model; loading finds the factory by its contract name.</summary>
[ModuleFactory("SeriesForecast.Lstm")]
public sealed class ForecastNetworkFactory : ModuleFactory
{
    /// <summary>Size of the hidden state of the LSTM.</summary>
    public int Width { get; init; } = 32;

    /// <inheritdoc/>
    public override nn.Module Create(ModuleContext context) => new ForecastNetwork(context, Width);
}
