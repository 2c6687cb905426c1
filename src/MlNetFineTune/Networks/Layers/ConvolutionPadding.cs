namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>How a strided convolution pads its input.</summary>
    public enum ConvolutionPadding
    {
        /// <summary>(k - 1) / 2 on every side: PyTorch, torchvision, and most of timm.</summary>
        Symmetric,

        /// <summary>
        /// TensorFlow's <c>SAME</c>: just enough, and the odd pixel at the bottom and right. Weights that were trained so lose up to 14
        /// points of accuracy without it.
        /// </summary>
        TensorFlowSame,
    }
}
