namespace MlNetFineTune.Training;

/// <summary>Features could not be written; they are not lost, only not kept.</summary>
internal sealed class FeatureStoreException(string message, Exception inner) : IOException(message, inner);
