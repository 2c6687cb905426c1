using Microsoft.ML;
using TextQuickStart;

namespace MlNetFineTune.Soak;

/// <summary>Trainings of a tiny text encoder on messages of customers.</summary>
internal sealed class TicketTrainings
{
    private readonly IReadOnlyList<Ticket> _train = Tickets.Read(Path.Combine(Tickets.FolderOfSample, "train.tsv"));
    private readonly TextBackbone _backbone = TextBackbone.FromFolder(Path.Combine(AppContext.BaseDirectory, "Assets", "tiny-bert"));

    public IReadOnlyList<Ticket> TestRows { get; } = Tickets.Read(Path.Combine(Tickets.FolderOfSample, "test.tsv"));

    /// <exception cref="InvalidOperationException">The answer is none.</exception>
    public static void Check(TicketPrediction answer)
    {
        if (answer.PredictedLabel.Length == 0 || !(Math.Abs(answer.Score.Sum() - 1) <= 1e-4))
            throw new InvalidOperationException($"A message is '{answer.PredictedLabel}' with [{string.Join(", ", answer.Score)}].");
    }

    /// <summary>The default strategy of texts; saves the model, and answers with a prediction engine.</summary>
    public void ProbeThenFull(int seed, string path)
    {
        var ml = new MLContext(seed);
        var train = ml.Data.LoadFromEnumerable(_train);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", nameof(Ticket.Team))
            .Append(ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
            {
                Backbone = _backbone,
                BatchSize = 16,
                MaximumLength = 64,
                Epochs = 2,
                LearningRate = 0.01f,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var model = pipeline.Fit(train);
        ml.Model.SaveAtomically(model, train.Schema, path);
        using var engine = ml.Model.CreatePredictionEngine<Ticket, TicketPrediction>(model); // disposes the model
        foreach (var row in TestRows.Take(10))
            Check(engine.Predict(row));
    }
}
