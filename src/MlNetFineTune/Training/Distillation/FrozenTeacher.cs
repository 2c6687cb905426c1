using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>All layers of a teacher, on the input of its student.</summary>
/// <param name="teacher">Stays its owner's.</param>
/// <param name="student">The network that trains.</param>
/// <param name="input">Input of the student.</param>
/// <param name="seed">The training's.</param>
/// <param name="workers">Threads that read.</param>
internal sealed class FrozenTeacher(Teacher teacher, FineTunedNetwork student, ModelInput input, long seed, int workers)
    : FrozenNetwork(input.CreateCollator(student.Device), student.Device, seed, workers)
{
    public override string Name => "layers of the teacher";

    public override bool IsPartOfNetwork => false;

    public override bool Computes => true;

    public override ModelInputs Forward(ModelInputs inputs)
    {
        using (inputs)
            return teacher.LogitsOf(inputs);
    }

    public override ContentHash ComputeIdentity()
    {
        ContentHash? identity = null;
        teacher.Identify((computation, tensors) => identity = EncoderIdentity.Of(Device, $"teacher {computation}", tensors));
        return identity!.Value;
    }
}
