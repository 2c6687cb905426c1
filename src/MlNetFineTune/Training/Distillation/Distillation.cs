using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// Knowledge distillation: whether the class probabilities of a trained model (the teacher, usually larger) are additional targets of the
/// training (Hinton et al. 2015, https://arxiv.org/abs/1503.02531). Validation and scoring do not use the teacher.
/// </summary>
public abstract record Distillation
{
    private protected Distillation()
    {
    }

    /// <summary>No teacher. The default.</summary>
    public static Distillation None { get; } = new NoDistillation();

    /// <summary>
    /// The loss of each row is weight T^2 KL(softmax(t / T) || softmax(s / T)) + (1 - weight) loss, with the logits t and s of teacher and
    /// student, the temperature T, and the task's loss of the label. T^2 makes the magnitude of the gradients independent of T. Example
    /// weights and class weights apply to both parts.
    /// </summary>
    /// <remarks>
    /// The teacher receives the same pixels as the student, augmented and mixed (Beyer et al. 2021, https://arxiv.org/abs/2106.05237), with
    /// its own normalisation, and resampled bilinearly if its input has another size. It computes in inference mode, on the device where it
    /// was loaded, in every step; with <see cref="Augmentation.None"/> or <see cref="Augmentation.FixedViews"/> it computes once for each
    /// view, and its logits are cached in <see cref="FineTuningOptions.FeatureCache"/>. The teacher's own calibration and
    /// <see cref="TestTimeAugmentation"/> are ignored. Modules are supported, as teacher and student, if both have one column of pictures
    /// as input, or the same inputs: columns with the same names, shapes and numbers of keys, in the same order. Text networks need the
    /// same tokenizer, maximum length and truncation. The teacher is neither changed nor disposed. The saved model contains its name and
    /// the hash of its weights, but not the weights.
    /// </remarks>
    /// <param name="teacher">
    /// A multiclass or ordinal <see cref="FineTuningTransformer"/>, or a chain with one, with the same classes in any order. Do not dispose
    /// it before the training ends.
    /// </param>
    /// <param name="temperature">
    /// Temperature of both softmaxes. Above 0; a higher temperature gives more weight to improbable classes. Default 4.
    /// </param>
    /// <param name="weight">Weight of the teacher's part of the loss. Above 0, at most 1; with 1 labels are not used. Default 0.9.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature or the weight is out of range.</exception>
    /// <exception cref="ArgumentException">The model does not contain exactly one multiclass or ordinal model of this library.</exception>
    public static Distillation From(ITransformer teacher, float temperature = 4, float weight = 0.9f)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        return new TeacherDistillation(Classifier(teacher), new SoftTargetLoss(temperature, weight));
    }

    /// <summary>The loss against the teacher's logits; null without a teacher.</summary>
    internal virtual SoftTargetLoss? Loss => null;

    /// <summary>Checks that do not need data.</summary>
    /// <param name="student">Name of the student's network.</param>
    /// <param name="pixels">Format of the student's pictures; null for other inputs.</param>
    /// <exception cref="ArgumentException">The inputs of teacher and student are not compatible.</exception>
    internal virtual void Check(string student, PictureForm? pixels)
    {
    }

    /// <summary>The teacher for one training; null if there is none. The caller disposes it.</summary>
    /// <param name="labelColumn">Name of the label column, for messages.</param>
    /// <param name="task">The task of the student.</param>
    /// <param name="input">Input of the student.</param>
    /// <param name="device">Device of the student.</param>
    /// <param name="log">Receives a message about the teacher.</param>
    /// <exception cref="InvalidOperationException">
    /// The teacher has other classes, or its input is not compatible with the student's.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The teacher was disposed.</exception>
    internal virtual Teacher? Begin(string labelColumn, BoundTask task, ModelInput input, Device device, Action<string> log) => null;

    private static SourceModel Classifier(ITransformer teacher)
    {
        var model = SourceModel.FindAny(teacher, "A teacher is");
        if (model.ReadsTable)
        {
            throw new ArgumentException(
                "A teacher sees pictures alone, and this model reads a table beside them (TableColumns): take one that "
                + "was trained without.",
                nameof(teacher));
        }
        return model.Keys is not null ? model : throw new ArgumentException(
            "A teacher is a classifier of several classes; this model predicts something else.", nameof(teacher));
    }

    private sealed record NoDistillation : Distillation
    {
        public override string ToString() => nameof(None);
    }

    private sealed record TeacherDistillation(
        [property: NotInFingerprint("its form and weights are hashed")] SourceModel Model, SoftTargetLoss SoftTargets) : Distillation
    {
        internal override SoftTargetLoss Loss => SoftTargets;

        internal override void Check(string student, PictureForm? pixels)
        {
            if ((Model.Pixels is null) != (pixels is null))
            {
                throw new ArgumentException(
                    $"Distillation: the teacher ({Model.Name}) sees {(Model.Pixels is null ? Model.Input : "pictures alone")} and "
                        + "the student "
                    + $"({student}) {(pixels is null ? "something else" : "pictures alone")}: both must see the same.", "options");
            }
            if (Model.Pixels is { } own && pixels!.Channels != own.Channels)
            {
                throw new ArgumentException(
                    $"Distillation: the teacher ({Model.Name}) sees {own.Colors} and the student ({student}) {pixels.Colors}: "
                    + $"give the student's backbone InputChannels = {own.Channels}, or take another teacher.", "options");
            }
        }

        internal override Teacher Begin(string labelColumn, BoundTask task, ModelInput input, Device device, Action<string> log)
        {
            if (input.Pixels is null && input.Form != Model.Input)
            {
                throw new InvalidOperationException(
                    $"Distillation: the teacher ({Model.Name}) sees {Model.Input}, and the student {input.Form}: "
                    + $"both must have the same inputs, in the same order.{Difference(Model.Input, input.Form)}");
            }
            var teacher = new Teacher(Model, TeacherClasses.InOrderOf(Classes(task), labelColumn, Model.Keys!), input.Pixels,
                input.Form, device);
            log($"{Model.Name} teaches, {SoftTargets}, weights {teacher.Report.WeightsSha256}{Resampling(input.Pixels)}.");
            return teacher;
        }

        private static string Difference(string? teacher, string student)
        {
            var (own, others) = (Parts(teacher ?? ""), Parts(student));
            return Only("teacher", own.Except(others)) + Only("student", others.Except(own));

            static string[] Parts(string form) => form.Split([", ", "; "], StringSplitOptions.None);

            static string Only(string who, IEnumerable<string> parts) => string.Join(", ", parts) is { Length: > 0 } text
                ? $" The {who} alone has: {SafeText.Of(text, SafeText.SentenceLength)}."
                : "";
        }

        private string Resampling(PictureForm? student) =>
            student is { Preprocessing.Size: var size } && Model.Pixels is { Preprocessing.Size: var wanted } && size != wanted
                ? $"; pictures of {size} pixels are resampled to {wanted} for it"
                : "";

        private static LabelKeys Classes(BoundTask task) => task.ExclusiveClasses ?? throw new InvalidOperationException(
            "Distillation: a teacher's probabilities of classes can be learnt where classes are; train with LearningTask.Multiclass.");

        public override string ToString() => $"From({Model.Name}, {SoftTargets})";
    }
}
