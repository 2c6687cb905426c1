using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;
using MlNetFineTune.Primitives;
using TextQuickStart;

namespace Pretrain;

/// <summary>
/// <c>compare-text</c>: compares pretrained with random weights, and both with ML.NET's text features, on the messages of the text quick
/// start. Each seed is another split, order and initialization. The test messages select nothing: the best epoch is selected on a fifth of
/// the training messages.
/// </summary>
internal static class CompareTextCommand
{
    private static readonly RandomStream s_split = new(6);

    public static Command Create()
    {
        var model = new Option<DirectoryInfo>("--model")
        {
            Description = "Folder of the pretrained tiny encoder.",
            DefaultValueFactory = _ => new DirectoryInfo("samples/TextQuickStart/Assets/tiny-bert"),
        };
        var other = new Option<DirectoryInfo?>("--other")
        {
            Description = "Folder of an encoder of usual size, to compare. Default: none.",
        };
        var tickets = new Option<DirectoryInfo>("--tickets")
        {
            Description = "Folder of the messages.",
            DefaultValueFactory = _ => new DirectoryInfo("samples/TextQuickStart/Assets/tickets"),
        };
        var firstSeed = new Option<int>("--first-seed") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "Runs of each kind.", DefaultValueFactory = _ => 3 };
        var rate = new Option<float?>("--learning-rate") { Description = "With pretrained weights. Default: as in the quick start." };
        // With random weights everything trains from the first epoch on, for which 0.0005 is best (of 0.0005, 0.001 and 0.003).
        var randomRate = new Option<float>("--random-rate") { Description = "With random weights.", DefaultValueFactory = _ => 5e-4f };
        var only = new Option<string?>("--only") { Description = "The kind of model to measure, such as random. Default: all." };

        var command = new Command("compare-text",
            "Measures pretrained against random weights of the tiny text encoder, and ML.NET's text features.")
            {
                model, other, tickets, firstSeed, seeds, rate, randomRate, only,
            };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(model).FullName;
            var recipe = Recipe.Tiny(TextBackbone.FromFolder(folder));
            var runs = new List<(string Name, TextFineTuningOptions? Options)>
            {
                ("pretrained", recipe with { LearningRate = parsed.GetValue(rate) ?? recipe.LearningRate }),
                ("random", recipe with
                {
                    Backbone = TextBackbone.FromScratch(folder),
                    Strategy = Strategy.Full(layerDecay: 1),
                    LearningRate = parsed.GetValue(randomRate),
                }),
                ("FeaturizeText and SDCA", null),
            };
            if (parsed.GetValue(other) is { } large)
                runs.Add((large.Name, Recipe.Usual(TextBackbone.FromFolder(large.FullName))));
            runs.RemoveAll(run => parsed.GetValue(only) is { } kind && run.Name != kind);
            var all = new[] { "train.tsv", "test.tsv" }
                .SelectMany(name => Tickets.Read(Path.Combine(parsed.GetRequiredValue(tickets).FullName, name))).ToList();
            var results = runs.Select(run => new Comparison(run.Name)).ToArray();
            for (var seed = parsed.GetValue(firstSeed); seed < parsed.GetValue(firstSeed) + parsed.GetValue(seeds); seed++)
            {
                var (train, test) = Split(all, seed);
                foreach (var ((name, options), result) in runs.Zip(results))
                    Run(name, result, train, test, options, seed);
            }
            Comparison.WriteHeader("messages");
            foreach (var result in results)
                Console.WriteLine(result);
        });
        return command;
    }

    private static void Run(
        string name, Comparison results, IReadOnlyList<Ticket> train, IReadOnlyList<Ticket> test, TextFineTuningOptions? options, int seed)
    {
        var ml = new MLContext(seed);
        var data = ml.Data.LoadFromEnumerable(train);
        var before = Environment.CpuUsage.TotalTime;
        var model = options is null ? TextClassifier.TrainWithoutNetwork(ml, data) : TextClassifier.Train(ml, data, options);
        using var owner = model as IDisposable;
        var seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        var metrics = TextClassifier.Evaluate(ml, model, ml.Data.LoadFromEnumerable(test));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"seed {seed} {name,-22} {train.Count} train, {test.Count} test; {seconds:0.0} s of processor time; {results.Add(metrics)}"));
    }

    // Two thirds of each class are for training.
    private static (List<Ticket> Train, List<Ticket> Test) Split(IReadOnlyList<Ticket> all, int seed)
    {
        List<Ticket> train = [], test = [];
        foreach (var (team, tickets) in all.GroupBy(ticket => ticket.Team).OrderBy(group => group.Key, StringComparer.Ordinal).Index())
        {
            var shuffled = tickets.OrderBy(ticket => ticket.Text, StringComparer.Ordinal).ToArray();
            new CountedRandom(seed, s_split, epoch: 0, team).Shuffle<Ticket>(shuffled);
            train.AddRange(shuffled.Take(shuffled.Length * 2 / 3));
            test.AddRange(shuffled.Skip(shuffled.Length * 2 / 3));
        }
        return (train, test);
    }
}
