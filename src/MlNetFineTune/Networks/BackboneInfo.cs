using MlNetFineTune.MlNet;

namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>What a network costs and gives.</summary>
    /// <param name="Name">For <see cref="Backbone.FromName"/>.</param>
    /// <param name="Parameters">Trainable numbers, without the classifier.</param>
    /// <param name="MultiplyAdds">
    /// Multiply-adds of one picture of the usual size, without the classifier: the work of scoring. Training is about three times as much.
    /// </param>
    /// <param name="InputSize">The usual width and height of a picture in pixels.</param>
    /// <param name="Features">Numbers that the classifier sees.</param>
    public sealed record Info(string Name, long Parameters, long MultiplyAdds, int InputSize, int Features);
}
