using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A teacher as frozen network on the input of its student.</summary>
/// <param name="teacher">The teacher. Its owner keeps it.</param>
/// <param name="student">The trained network.</param>
/// <param name="input">Input of the student.</param>
/// <param name="seed">Seed of the training.</param>
/// <param name="workers">Number of reading threads.</param>
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
