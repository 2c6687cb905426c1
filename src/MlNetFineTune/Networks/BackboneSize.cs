using MlNetFineTune.Networks;

namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>The sizes in which newer networks are published.</summary>
    public enum Size
    {
        /// <summary>ViT: 5.5 million parameters; ConvNeXt: 28 million.</summary>
        Tiny,

        /// <summary>ViT: 22 million parameters; ConvNeXt: 50 million.</summary>
        Small,

        /// <summary>ViT: 86 million parameters; ConvNeXt: 88 million.</summary>
        Base,
    }
}
