using System.CommandLine;
using System.CommandLine.Parsing;
using MlNetFineTune;

namespace ScoreInShards;

/// <summary>The options of the program.</summary>
internal static class CommandLine
{
    public static ParseResult Parse(string[] args)
    {
        var folder = new Option<DirectoryInfo>("--folder")
        {
            Description = "Folder that all processes share: photos, model and scores. Default: score-in-shards in the temporary folder.",
            DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(Path.GetTempPath(), "score-in-shards")),
        };
        var photos = new Option<DirectoryInfo?>("--photos")
        {
            Description = "Photos to score, in subfolders. Default: photos in --folder.",
        };
        var model = new Option<FileInfo?>("--model") { Description = "The model, a zip of ml.Model.Save. Default: model.zip in --folder." };
        var shard = new Option<Shard?>("--shard")
        {
            Description = "The shard of this process, INDEX/COUNT from 0/COUNT. Default: what Kubernetes, Slurm or MPI say by environment "
                + "variables, otherwise 0/1.",
            CustomParser = ParseShard,
        };
        var blockRows = new Option<int?>("--block-rows") { Description = "Photos in a file of scores. Default: 512." };
        var output = new Option<FileInfo?>("--output") { Description = "The merged file, .idv or .tsv. Default: scores.idv in --folder." };
        var prepare = new Option<bool>("--prepare") { Description = "Draws photos and trains a model on some of them." };
        var merge = new Option<bool>("--merge") { Description = "Merges the scores of all shards." };
        var smoke = new Option<bool>("--smoke") { Description = "A quick test of everything, in two processes." };

        var command = new RootCommand("Scores photos in several processes.")
        {
            folder, photos, model, shard, blockRows, output, prepare, merge, smoke,
        };
        command.Validators.Add(result =>
        {
            var tasks = new Option[] { shard, prepare, merge, smoke }.Count(option => result.GetResult(option) is not null);
            if (tasks > 1)
                result.AddError("--shard, --prepare, --merge and --smoke exclude each other.");
        });
        command.SetAction(result =>
        {
            var job = new Job(result.GetValue(folder)!.FullName)
            {
                Photos = result.GetValue(photos)?.FullName,
                Model = result.GetValue(model)?.FullName,
                Output = result.GetValue(output)?.FullName,
                BlockRows = result.GetValue(blockRows),
            };
            if (result.GetValue(smoke))
                return SmokeTest.Run();
            if (result.GetValue(prepare))
                job.Prepare(trainingPhotos: 150, photos: 500, epochs: 15);
            else if (result.GetValue(merge))
                job.Merge();
            else
                job.Score(result.GetValue(shard) ?? Shard.FromEnvironment() ?? Shard.Of(0, 1));
            return 0;
        });
        return command.Parse(args);
    }

    private static Shard? ParseShard(ArgumentResult result)
    {
        try
        {
            return Shard.Parse(result.Tokens[0].Value);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}
