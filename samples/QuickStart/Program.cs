using QuickStart;

// Without arguments: generates pictures of surfaces, fine-tunes a small pretrained network on them, saves the model, loads it and predicts.
// With --train and --test: the same with your photos. The ML.NET part is in PhotoClassifier.cs.
return CommandRun.Invoke(CommandLine.Parse(args, QuickStartRun.Start));
