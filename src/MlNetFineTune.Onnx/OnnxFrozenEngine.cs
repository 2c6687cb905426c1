using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Onnx;

/// <summary>ONNX Runtime for the frozen stages of a training, if a trial finds its features equal.</summary>
/// <param name="name">Name of the engine.</param>
/// <param name="mustBeFaster">Whether it is used only if the trial finds it faster.</param>
/// <param name="seconds">See <see cref="EngineTrial.Run"/>.</param>
internal sealed class OnnxFrozenEngine(string name, bool mustBeFaster, Func<string, Action, double>? seconds = null) : FrozenEngine
{
    public override string ToString() => name;

    internal override void Check() => OnnxLibrary.Load(() => OrtEnv.Instance().GetVersionString());

    internal override StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel)
    {
        OnnxEngine engine;
        try
        {
            engine = OnnxEngine.Open(network, stages);
        }
        catch (NotSupportedException e)
        {
            channel.Warning($"The frozen stages are computed by {StageEngine.LibTorch}: {e.Message}");
            return null;
        }
        try
        {
            var verdict = Try(network, input, stages, engine);
            if (verdict.IsAccepted)
            {
                channel.Info($"The frozen stages are computed by {engine.Name}: {verdict.Reason}.");
                return engine;
            }
            var message = $"The frozen stages are computed by {StageEngine.LibTorch}: {engine.Name} is not used, {verdict.Reason}.";
            if (verdict.Agrees)
                channel.Info(message); // as asked
            else
                channel.Warning(message);
            engine.Dispose();
            return null;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    private EngineTrial.Verdict Try(FineTunedNetwork network, ModelInput input, int stages, OnnxEngine engine)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var collator = input.CreateCollator(network.Device);
        var inputs = collator.Collate(EngineTrial.RowsOf(input), EngineTrial.Rows);
        return EngineTrial.Run(
            () => ValuesOf(network.ForwardFirst(inputs, stages)), () => ValuesOf(engine.Forward(inputs)), isRelative: true, mustBeFaster,
            seconds);

        static float[] ValuesOf(Tensor features)
        {
            using (features)
            using (var contiguous = features.contiguous())
                return [.. contiguous.data<float>()];
        }
    }
}
