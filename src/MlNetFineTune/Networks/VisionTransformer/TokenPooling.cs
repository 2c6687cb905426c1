namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>How a vision transformer's tokens become one feature vector.</summary>
    internal enum TokenPooling
    {
        /// <summary>The class token, as the network was trained.</summary>
        ClassToken,

        /// <summary>
        /// The mean of the patches' tokens, without the class token. Often better for self-supervised weights, whose class token saw no
        /// labels.
        /// </summary>
        Mean,
    }
}
