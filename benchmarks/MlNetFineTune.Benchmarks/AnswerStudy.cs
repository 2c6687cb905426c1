using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Questions about the entities of CoNLL-2003 by MiniLM. Three successive sentences of a document are a context; "Which person is named?"
/// (place, organisation) is asked where exactly one entity of the type occurs, and where none does, which has no answer. Of the training
/// file every seventh context is taken, of the others every ninth. Windows of 64 tokens, so that a part of the contexts needs several.
/// </summary>
internal static class AnswerStudy
{
    public const string Name = "answer-study";

    public const string Usage = $"{Name} [recipe|default|LoRA ...] [--epochs N] [--seeds N] [--quick]";

    private const int SentencesOfContext = 3;

    private const float HeadRate = 1e-3f, BodyRate = 5e-5f;

    private static readonly (string Type, string Question)[] s_questions =
        [("PER", "Which person is named?"), ("LOC", "Which place is named?"), ("ORG", "Which organisation is named?")];

    private static (string Name, TextFineTuningOptions Options)[] Trainings =>
    [
        ("recipe", Recipe),
        ("default", Base),
        ("LoRA", Base with { Adapter = Adapter.Lora(targets: ["query", "value"]), Strategy = Strategy.Full(1) }),
    ];

    // All weights at 5e-5, the head at 1e-3, linear to zero.
    private static TextFineTuningOptions Recipe => Base with
    {
        Strategy = Strategy.Custom(name => name.StartsWith("classifier.", StringComparison.Ordinal) ? 1 : BodyRate / HeadRate),
        LearningRate = HeadRate,
        Optimizer = Optimizer.AdamW(weightDecay: 0),
        Schedule = LearningRateSchedule.Linear(warmup: 0.1f),
        Epochs = 3,
        BatchSize = 16,
    };

    private static TextFineTuningOptions Base => new()
    {
        Backbone = TextBackbone.FromFolder(SharedFiles.Require("weights/all-MiniLM-L6-v2")),
        Task = LearningTask.QuestionAnswering(maximumAnswerTokens: 12),
        TextColumnName = nameof(Asked.Question),
        SecondTextColumnName = nameof(Asked.Context),
        LabelColumnName = nameof(Asked.Answer),
        MaximumLength = 64,
        Validation = ValidationData.None,
    };

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments.Contains("--quick");
        var seeds = EntityStudy.After(arguments, "--seeds") ?? 1;
        var train = Questions("train.txt", every: quick ? 70 : 7);
        (string Name, Asked[] Rows)[] tests =
            [("valid", Questions("valid.txt", every: quick ? 90 : 9)), ("test", Questions("test.txt", every: quick ? 90 : 9))];
        Console.WriteLine(
            $"all-MiniLM-L6-v2 on questions about CoNLL-2003, {seeds} seeds: mean (standard deviation). Training: {Count(train)}; "
            + string.Join("; ", tests.Select(test => $"{test.Name}: {Count(test.Rows)}")) + "\n");
        Console.WriteLine(
            "| answers | epochs | data | exact match | F1 | with an answer: exact | F1 | without: right | CPU seconds of fitting |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var (name, answer) in ((string, Func<Asked, string>)[])[("none", _ => ""), ("first run of capitals", FirstCapitals)])
        {
            foreach (var (file, rows) in tests)
                Print(name, null, file, [(Evaluate(rows, answer), 0)]);
        }
        var chosen = Trainings.Where(training => arguments.Contains(training.Name)).ToList();
        foreach (var (name, options) in chosen.Count > 0 ? chosen : [.. Trainings])
        {
            var trained = options with { Epochs = EntityStudy.After(arguments, "--epochs") ?? options.Epochs };
            var runs = Enumerable.Range(1, seeds).Select(seed => Train(new MLContext(seed), trained, train, tests)).ToArray();
            foreach (var (index, (file, _)) in tests.Index())
                Print(name, trained.Epochs, file, [.. runs.Select(run => (run.Metrics[index], run.Seconds))]);
        }
        return 0;
    }

    private static (QuestionAnsweringMetrics[] Metrics, double Seconds) Train(
        MLContext ml, TextFineTuningOptions options, Asked[] train, (string Name, Asked[] Rows)[] tests)
    {
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        using var model = ml.FineTuning.FineTuneText(options).Fit(ml.Data.LoadFromEnumerable(train));
        var seconds = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        return ([.. tests.Select(test => ml.FineTuning.EvaluateQuestionAnswering(
            model.Transform(ml.Data.LoadFromEnumerable(test.Rows)), nameof(Asked.Answer)))], seconds);
    }

    private static QuestionAnsweringMetrics Evaluate(Asked[] rows, Func<Asked, string> answer)
    {
        var ml = new MLContext();
        var answered = rows.Select(row => new Answered { Answer = row.Answer, PredictedAnswer = answer(row) });
        return ml.FineTuning.EvaluateQuestionAnswering(
            ml.Data.LoadFromEnumerable(answered.ToArray()), nameof(Answered.Answer), scoreColumnName: null);
    }

    // Successive words that begin with a capital, without the first word of a sentence.
    private static string FirstCapitals(Asked row)
    {
        var words = row.Context.Split(' ');
        var first = Array.FindIndex(words, 1, word => char.IsUpper(word[0]));
        if (first < 0)
            return "";
        var end = first;
        while (end < words.Length && char.IsUpper(words[end][0]))
            end++;
        return string.Join(' ', words[first..end]);
    }

    private static void Print(
        string name, int? epochs, string file, IReadOnlyList<(QuestionAnsweringMetrics Metrics, double Seconds)> runs)
    {
        string Mean(Func<QuestionAnsweringMetrics, double> value) => EntityStudy.Mean(runs, run => value(run.Metrics));

        Console.WriteLine(
            $"| {name} | {epochs} | {file} | {Mean(metrics => metrics.ExactMatch)} | {Mean(metrics => metrics.F1)}"
            + $" | {Mean(metrics => metrics.WithAnswer.ExactMatch)} | {Mean(metrics => metrics.WithAnswer.F1)}"
            + $" | {Mean(metrics => metrics.WithoutAnswer.ExactMatch)}"
            + (epochs is null ? " | |" : string.Create(CultureInfo.InvariantCulture, $" | {runs.Average(run => run.Seconds):0} |")));
    }

    private static Asked[] Questions(string file, int every)
    {
        var rows = new List<Asked>();
        var contexts = ConllSentence.Read(file).GroupBy(sentence => sentence.Document)
            .SelectMany(document => document.Chunk(SentencesOfContext)).Index().Where(context => context.Index % every == 0);
        foreach (var (index, sentences) in contexts)
        {
            var entities = sentences.SelectMany(sentence => EntitiesOf(sentence.Tags, sentence.Words)).ToList();
            var context = string.Join(' ', sentences.SelectMany(sentence => sentence.Words));
            foreach (var (place, (type, question)) in s_questions.Index())
            {
                var answers = entities.Where(entity => entity.Type == type).Select(entity => entity.Text).ToList();
                // Of the questions without an answer a half.
                if (answers.Count == 1 || (answers.Count == 0 && (index / every + place) % 2 == 0))
                    rows.Add(new Asked { Question = question, Context = context, Answer = answers.FirstOrDefault("") });
            }
        }
        return [.. rows];
    }

    private static List<(string Type, string Text)> EntitiesOf(string[] tags, string[] words)
    {
        var entities = new List<(string, string)>();
        for (var first = 0; first < tags.Length;)
        {
            var end = first + 1;
            if (tags[first] != "O")
            {
                while (end < tags.Length && tags[end] == $"I-{tags[first][2..]}")
                    end++;
                entities.Add((tags[first][2..], string.Join(' ', words[first..end])));
            }
            first = end;
        }
        return entities;
    }

    private static string Count(Asked[] rows) => string.Create(
        CultureInfo.InvariantCulture,
        $"{rows.Length} questions, {rows.Count(row => row.Answer.Length == 0)} without an answer");

    private sealed class Asked
    {
        public string Question { get; set; } = "";

        public string Context { get; set; } = "";

        public string Answer { get; set; } = "";
    }

    private sealed class Answered
    {
        public string Answer { get; set; } = "";

        public string PredictedAnswer { get; set; } = "";
    }
}
