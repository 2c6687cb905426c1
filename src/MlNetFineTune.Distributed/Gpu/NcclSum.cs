using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>A sum by NCCL in the memory of GPUs.</summary>
internal sealed class NcclSum(MpiGroup group, NcclCommunicator communicator, Tensor buffer, Exchange exchange)
    : TensorSum(group, buffer, exchange)
{
    private nint _marker;

    protected override void StartTransfer() => _marker = communicator.Start(Buffer);

    protected override bool IsTransferred() => communicator.IsComplete(_marker);

    protected override void EndTransfer() => communicator.End(_marker);
}
