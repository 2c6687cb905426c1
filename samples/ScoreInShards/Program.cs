using MlNetFineTune.Tool;
using ScoreInShards;

// Scores photos in several processes that share a folder, and merges the scores: --prepare once, then --shard i/n in each process (or
// nothing, under Kubernetes, Slurm or MPI), then --merge. A process that was killed goes on where it was. --smoke: all of it with two
// processes. The ML.NET part is in Job.cs.
return CommandRun.Invoke(() => CommandLine.Parse(args));
