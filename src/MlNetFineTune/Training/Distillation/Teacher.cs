using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A teacher in one training: converts inputs for the model and its logits for the student. The model is not owned.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly SourceModel _model;
    private readonly PixelTranslator? _view; // null if the teacher uses the student's input
    private readonly Tensor _order;
    private readonly string _student;

    /// <param name="model">The model, prepared for scoring.</param>
    /// <param name="order">For each class of the student its index among the teacher's.</param>
    /// <param name="pixels">Format of the student's pictures; null if both have the same input.</param>
    /// <param name="student">Text of everything that determines the student's input of a row.</param>
    /// <param name="device">Device of the student.</param>
    public Teacher(SourceModel model, int[] order, PictureForm? pixels, string student, Device device)
    {
        _model = model;
        Report = (model.Name, model.ComputeWeightsSha256());
        _view = pixels is not null && model.Pixels is { } own
            ? new PixelTranslator(pixels.Preprocessing, own.Preprocessing, pixels.Channels, device)
            : null;
        _order = tensor(order, ScalarType.Int64, device).DetachFromDisposeScope();
        _student = $"{student} [{string.Join(", ", order)}]";
    }

    public (string Teacher, string WeightsSha256) Report { get; }

    /// <summary>The teacher's logits, in inference mode, without gradients.</summary>
    /// <param name="inputs">
    /// Input of the student: normalised pixels [N, channels, H, W], or other inputs. The caller keeps ownership.
    /// </param>
    /// <returns>[N, classes], in the order of the student's classes. The caller disposes it.</returns>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor LogitsOf(ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad(); // inference_mode would create tensors that a loss cannot use
        Tensor? logits = null;
        _model.Read(network => logits = network.ForwardRest(Seen(inputs, network.Device), first: 0).to(inputs.Activations.device));
        return logits!.index_select(1, _order).MoveToOuterDisposeScope();
    }

    /// <summary>Calls <paramref name="read"/> with everything that determines the teacher's logits.</summary>
    public void Identify(Action<string, IReadOnlyList<(string Name, Tensor Tensor)>> read) =>
        _model.Read(network => read($"{network.Computation}{network.Arithmetic} {_student}", network.NamedTensors()));

    public void Dispose()
    {
        _view?.Dispose();
        _order.Dispose();
    }

    // Copies, because a module may change its input.
    private ModelInputs Seen(ModelInputs inputs, Device device) => _view is null
        ? new ModelInputs(
            inputs.Activations.clone().to(device), inputs.Beside.ToDictionary(named => named.Key, named => named.Value.clone().to(device)))
        : _view.Translate(inputs.Activations).to(device).clone();
}
