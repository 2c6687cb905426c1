using Microsoft.ML.OnnxRuntime;

namespace MlNetFineTune.Benchmarks;

/// <summary>ONNX Runtime on one picture whose pixels are ready: its forward pass, and nothing around it.</summary>
internal sealed class ReadyPixels : IDisposable
{
    private readonly InferenceSession _session;
    private readonly OrtValue _pixels = OrtValue.CreateTensorValueFromMemory(
        new float[3 * Networks.Size * Networks.Size], [1, 3, Networks.Size, Networks.Size]);
    private readonly RunOptions _options = new();
    private readonly string[] _inputs, _outputs;

    /// <param name="session">The network. The caller keeps ownership.</param>
    public ReadyPixels(InferenceSession session) =>
        (_session, _inputs, _outputs) = (session, [session.InputNames[0]], [session.OutputNames[0]]);

    public void Run()
    {
        using var results = _session.Run(_options, _inputs, [_pixels], _outputs);
    }

    public void Dispose()
    {
        _pixels.Dispose();
        _options.Dispose();
    }
}
