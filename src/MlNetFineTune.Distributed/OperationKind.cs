namespace MlNetFineTune.Distributed;

/// <summary>What the processes of a group do together.</summary>
internal enum OperationKind
{
    Sum = 1,
    TensorSum,

    /// <summary>The sum of a tensor by NCCL, from GPU to GPU.</summary>
    DeviceSum,

    Gather,
    Broadcast,

    /// <summary>The program of a process has come to its end.</summary>
    End,

    /// <summary>A process has failed; the text is the reason, and the process takes part in nothing any more.</summary>
    Failure,
}
