using MlNetFineTune.Tool;
using QuickStart;

// Without arguments: generates pictures of surfaces, fine-tunes a small pretrained network on them, saves the model, loads it and predicts.
// With --train and --test: the same with your photos. The ML.NET part is in src/MlNetFineTune.Tool/Training/ClassifierTraining.cs.
return CommandRun.Invoke(() => CommandLine.Parse(args, QuickStartRun.Start));
