namespace MlNetFineTune.Networks;

/// <summary>The sizes of a vision transformer.</summary>
/// <param name="Patch">Width and height of a patch in pixels.</param>
/// <param name="Channels">Channels of a token.</param>
/// <param name="Heads">Attention heads; each has 64 channels.</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="ScalesBranches">Whether the output of a branch is scaled per channel (LayerScale).</param>
internal sealed record TransformerShape(int Patch, int Channels, int Heads, int Blocks = 12, bool ScalesBranches = false)
{
    public static TransformerShape Of(Backbone.Size size, int patch, bool scalesBranches = false)
    {
        var channels = size switch { Backbone.Size.Tiny => 192, Backbone.Size.Small => 384, _ => 768 };
        return new(patch, channels, channels / 64, ScalesBranches: scalesBranches);
    }
}
