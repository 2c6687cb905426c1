using MlNetFineTune.Tool;
using TextQuickStart;

// Without arguments: fine-tunes a tiny pretrained text encoder to sort messages of customers by the team that answers them, beside ML.NET's
// own text features, saves the model, loads it and predicts. With --model or --hub: the same with a real encoder. With --train and --test:
// with your texts. The ML.NET part is in TextClassifier.cs.
return CommandRun.Invoke(() => CommandLine.Parse(args, TextQuickStartRun.Start));
