namespace MlNetFineTune.Documents;

/// <summary>Code of docs/data.md.</summary>
internal static class DataPage
{
    public static ImageFineTuningOptions Pixels(Backbone backbone)
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            ImageColumnName = "Pixels",
            RawPixels = RawPixels.Planar(224, 224), // as ExtractPixels makes them; white: 1 if they reach from 0 to 1
        };
        return options;
    }
}
