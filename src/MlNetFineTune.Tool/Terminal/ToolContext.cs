using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tool;

/// <summary>The context of a command.</summary>
internal static class ToolContext
{
    /// <summary>A context whose warnings and errors go to standard error, except those of trainers, which their display shows.</summary>
    public static MLContext Create(int? seed = null)
    {
        var ml = new MLContext(seed);
        ml.Log += (_, message) =>
        {
            if (message.Kind >= ChannelMessageKind.Warning && !IsOfTrainer(message.Source))
                Console.Error.WriteLine(message.RawMessage);
        };
        return ml;
    }

    private static bool IsOfTrainer(string source) =>
        source.Contains(RowKind.Photos.Trainer, StringComparison.Ordinal)
            || source.Contains(RowKind.Texts.Trainer, StringComparison.Ordinal);
}
