namespace MlNetFineTune.Training;

/// <summary>Features could not be stored; they are computed in every epoch instead.</summary>
internal sealed class FeatureStoreException(string message, Exception? inner = null) : IOException(message, inner);
