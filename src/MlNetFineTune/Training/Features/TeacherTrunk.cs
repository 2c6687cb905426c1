using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The way from rows to what a teacher says of them: read as the student reads them, and the teacher's layers up to its logits.</summary>
/// <param name="teacher">Stays its owner's.</param>
/// <param name="student">Whose input the rows become.</param>
/// <param name="seed">Of the training.</param>
/// <param name="workers">Threads that read.</param>
internal sealed class TeacherTrunk(Teacher teacher, TrainableNetwork student, long seed, int workers) : Trunk(student.CreateIntake(), student.Device, seed, workers)
{
    public override string Name => "layers of the teacher";

    public override bool Computes => true;

    public override Tensor Forward(Tensor input)
    {
        using (input)
            return teacher.LogitsOf(input);
    }

    public override ContentHash ComputeIdentity()
    {
        ContentHash? identity = null;
        teacher.Identify((computation, tensors) => identity = IdentityOf($"teacher {computation}", tensors));
        return identity!.Value;
    }
}
