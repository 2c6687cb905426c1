using System.CommandLine;
using Pretrain;

// Pretrains the initial weights of the quick start, and compares them with random ones.
var root = new RootCommand("Pretrains the micro backbone of the quick start on pictures drawn by formulas.");
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(CompareCommand.Create());
root.Subcommands.Add(TrainTextCommand.Create());
return root.Parse(args).Invoke();
