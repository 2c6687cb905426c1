namespace MlNetFineTune.Distributed;

/// <summary>NCCL or the CUDA driver reported an error.</summary>
internal sealed class NcclException(string message) : Exception(message);
