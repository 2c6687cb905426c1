namespace MlNetFineTune.Networks;

/// <summary>
/// The size of an architecture, declared beside it as constants, so that a list of networks needs neither libtorch nor time. A test builds
/// each network and counts again.
/// </summary>
/// <param name="Parameters">Trainable numbers without the classifier.</param>
/// <param name="MultiplyAdds">Multiply-adds of one picture of the default size, without the classifier.</param>
/// <param name="Features">Numbers of a picture that the classifier sees.</param>
internal readonly record struct Costs(long Parameters, long MultiplyAdds, int Features);
