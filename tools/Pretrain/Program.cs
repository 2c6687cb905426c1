using System.CommandLine;
using Pretrain;

// Pretrains the initial weights of the quick starts of photos and texts, and compares them with random ones.
var root = new RootCommand(
    "Pretrains the networks of the quick starts: one on pictures drawn by formulas, one on documentation and definitions.");
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(CompareCommand.Create());
root.Subcommands.Add(TrainTextCommand.Create());
root.Subcommands.Add(CompareTextCommand.Create());
return root.Parse(args).Invoke();
