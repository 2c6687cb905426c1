using MlNetFineTune.Tool;

// Fine-tunes, measures, runs, exports and serves classifiers of pictures and texts. docs/command-line.md describes it.
return CommandRun.Invoke(() => FineTuneCommand.Create().Parse(args));
