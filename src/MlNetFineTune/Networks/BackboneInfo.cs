using MlNetFineTune.MlNet;

namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>Size and computing cost of a network.</summary>
    /// <param name="Name">Name for <see cref="Backbone.FromName"/>.</param>
    /// <param name="Parameters">Number of parameters, without the classifier.</param>
    /// <param name="MultiplyAdds">
    /// Multiply-adds for scoring one picture of <c>InputSize</c>, without the classifier. A training step needs about three times as many.
    /// </param>
    /// <param name="InputSize">Width and height of the input in pixels.</param>
    /// <param name="Features">Number of features, the input of the classifier.</param>
    public sealed record Info(string Name, long Parameters, long MultiplyAdds, int InputSize, int Features);
}
