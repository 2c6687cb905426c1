using System.CommandLine;

namespace MlNetFineTune.Tool;

/// <summary>The command <c>finetune</c> with its subcommands.</summary>
internal static class FineTuneCommand
{
    public static RootCommand Create()
    {
        return new RootCommand(
            "Fine-tunes pretrained networks into classifiers of photos and texts, and measures, runs, exports and serves them. "
            + "Exit codes: 0 done, 1 failed, 2 wrong use, 3 done except for inputs that cannot be read, 130 cancelled.")
        {
            TrainCommand.Create(),
            EvaluateCommand.Create(),
            PredictCommand.Create(),
            ExportCommand.Create(),
            ExamineCommand.Create(),
            ServeCommand.Create(),
            CompletionCommand.Create(),
        };
    }
}
