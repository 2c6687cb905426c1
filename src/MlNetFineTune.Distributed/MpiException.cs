namespace MlNetFineTune.Distributed;

/// <summary>A function of the MPI library has failed. The group adds rank, operation and position.</summary>
internal sealed class MpiException(string message) : Exception(message);
