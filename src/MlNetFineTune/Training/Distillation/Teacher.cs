using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A teacher at work in one training. The model stays its owner's: here are only the ways to it and back.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly SourceModel _model;
    private readonly PixelTranslator? _view; // null where it sees the student's own input
    private readonly Tensor _order;
    private readonly string _student;

    /// <param name="model">Ready to score.</param>
    /// <param name="order">For each class of the student its place among the teacher's.</param>
    /// <param name="pixels">The student's, where both see pictures; null where the teacher's input is the student's.</param>
    /// <param name="student">All that decides what the student sees of a row.</param>
    /// <param name="device">The student's.</param>
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

    /// <summary>In inference mode, without gradients.</summary>
    /// <param name="inputs">What enters the student: pixels [N, channels, H, W], normalised for it, or what else it sees.
    /// The caller keeps them.</param>
    /// <returns>[N, classes], in the student's order. Caller disposes.</returns>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor LogitsOf(ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad(); // inference_mode would make tensors that a loss cannot use
        Tensor? logits = null;
        _model.Read(network => logits = network.ForwardRest(Seen(inputs, network.Device), first: 0).to(inputs.Activations.device));
        return logits!.index_select(1, _order).MoveToOuterDisposeScope();
    }

    /// <summary>Calls <paramref name="read"/> with all that decides what it says of a picture.</summary>
    public void Identify(Action<string, IReadOnlyList<(string Name, Tensor Tensor)>> read) =>
        _model.Read(network => read($"{network.Computation} {_student}", network.NamedTensors()));

    public void Dispose()
    {
        _view?.Dispose();
        _order.Dispose();
    }

    // Copies, as a module may change what it is given.
    private ModelInputs Seen(ModelInputs inputs, Device device) => _view is null
        ? new ModelInputs(
            inputs.Activations.clone().to(device), inputs.Beside.ToDictionary(named => named.Key, named => named.Value.clone().to(device)))
        : _view.Translate(inputs.Activations).to(device).clone();
}
