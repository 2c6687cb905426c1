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
/// Whether a trained model (the teacher, usually larger) adds its class probabilities to the targets of the training: they tell more
/// about a picture than its label does (Hinton et al. 2015, https://arxiv.org/abs/1503.02531). Validation and scoring do not use the
/// teacher: validation uses the labels alone.
/// </summary>
public abstract record Distillation
{
    private protected Distillation()
    {
    }

    /// <summary>No teacher. The default.</summary>
    public static Distillation None { get; } = new NoDistillation();

    /// <summary>
    /// Each row's loss becomes weight T^2 KL(softmax(t / T) || softmax(s / T)) + (1 - weight) loss, where t and s are the logits of teacher
    /// and student, T is the temperature, and loss is the task's loss of the label. T^2 keeps the gradients as large as they are at T = 1.
    /// The weights of rows and classes count for both parts.
    /// </summary>
    /// <remarks>
    /// The teacher sees the pixels that the student sees in the same batch, augmented and mixed (Beyer et al. 2021,
    /// https://arxiv.org/abs/2106.05237), normalised in its own way, and resampled (bilinear) where its input has another size. It
    /// computes as it scores, where it was loaded, in every step; where <see cref="FineTuningOptions.Augmentation"/> is
    /// <see cref="Augmentation.None"/> or <see cref="Augmentation.FixedViews"/>, once for each view, and what it says is kept in
    /// <see cref="FineTuningOptions.FeatureCache"/>. A calibrated teacher's own temperature and its
    /// <see cref="TestTimeAugmentation"/> do not count. A module can teach and be taught where teacher and student see
    /// pictures and nothing else, or where the inputs of both are the same: columns of the same names, shapes and numbers of keys, in
    /// the same order. The teacher is neither changed nor disposed, and the saved model has its name and the hash of its weights, but
    /// not the weights.
    /// </remarks>
    /// <param name="teacher">A <see cref="FineTuningTransformer"/>, or a chain with one, of the same classes in any order.
    /// Do not dispose it before the training ends.</param>
    /// <param name="temperature">Temperature of both softmaxes, above 0; the higher, the more
    /// the improbable classes count. Default 4.</param>
    /// <param name="weight">Weight of the teacher's part of the loss. Above 0, at most 1: at 1 labels are not used. Default 0.9.</param>
    /// <exception cref="ArgumentException">There is no classifier of ours of several classes in the model, or more than one.</exception>
    public static Distillation From(ITransformer teacher, float temperature = 4, float weight = 0.9f)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        return new TeacherDistillation(Classifier(teacher), new SoftTargetLoss(temperature, weight));
    }

    /// <summary>The teacher's part of the loss; null where there is none.</summary>
    internal virtual SoftTargetLoss? Loss => null;

    /// <summary>What can be said before there are data.</summary>
    /// <param name="student">Its name.</param>
    /// <param name="pixels">How pictures enter the student; null where something else does.</param>
    /// <exception cref="ArgumentException">The teacher cannot see what the student sees.</exception>
    internal virtual void Check(string student, PictureForm? pixels)
    {
    }

    /// <summary>The teacher at work in one training; null where there is none. Caller disposes.</summary>
    /// <param name="labelColumn">For messages.</param>
    /// <param name="task">What is learnt.</param>
    /// <param name="input">What enters the student.</param>
    /// <param name="device">The student's.</param>
    /// <param name="log">Told who teaches.</param>
    /// <exception cref="InvalidOperationException">It was trained on other classes, or sees something else than the student.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
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
                    + "both must have the same inputs, in the same order.");
            }
            var teacher = new Teacher(Model, TeacherClasses.InOrderOf(Classes(task), labelColumn, Model.Keys!), input.Pixels,
                input.Form, device);
            log($"{Model.Name} teaches, {SoftTargets}, weights {teacher.Report.WeightsSha256}{Resampling(input.Pixels)}.");
            return teacher;
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
