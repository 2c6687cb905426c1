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
    private readonly PixelTranslator _view;
    private readonly Tensor _order;
    private readonly string _student;

    /// <param name="model">Ready to score.</param>
    /// <param name="order">For each class of the student its place among the teacher's.</param>
    /// <param name="student">Whose pixels it sees.</param>
    /// <param name="device">The student's.</param>
    public Teacher(SourceModel model, int[] order, Backbone student, Device device)
    {
        _model = model;
        Report = (model.Definition.Name, model.ComputeWeightsSha256());
        _view = new PixelTranslator(student.Preprocessing, model.Definition.Preprocessing, student.InputChannels, device);
        _order = tensor(order, ScalarType.Int64, device).DetachFromDisposeScope();
        _student = $"{CanonicalJson.Of(student.Preprocessing)} {student.InputChannels} [{string.Join(", ", order)}]";
    }

    public (string Teacher, string WeightsSha256) Report { get; }

    /// <summary>In inference mode, without gradients.</summary>
    /// <param name="pixels">[N, channels, H, W], normalised for the student. The caller keeps them.</param>
    /// <returns>[N, classes], in the student's order. Caller disposes.</returns>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor LogitsOf(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad(); // inference_mode would make tensors that a loss cannot use
        Tensor? logits = null;
        _model.Read(network => logits = network.ForwardRest(_view.Translate(pixels).to(network.Device), first: 0).to(pixels.device));
        return logits!.index_select(1, _order).MoveToOuterDisposeScope();
    }

    /// <summary>Calls <paramref name="read"/> with all that decides what it says of a picture.</summary>
    public void Identify(Action<string, IReadOnlyList<(string Name, Tensor Tensor)>> read) => _model.Read(network => read($"{network.Computation} {_student}", network.NamedTensors()));

    public void Dispose()
    {
        _view.Dispose();
        _order.Dispose();
    }
}
