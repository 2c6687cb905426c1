using System.CommandLine;
using Pretrain;

// Makes the weights that the quick start begins from, and measures what they are worth.
var root = new RootCommand("Pretrains the micro backbone of the quick start on pictures drawn by formulas.");
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(CompareCommand.Create());
return root.Parse(args).Invoke();
