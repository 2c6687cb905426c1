namespace TextQuickStart;

/// <summary>Files of messages: in each line a label, a tab and a text.</summary>
internal static class Tickets
{
    public static string FolderOfSample => Path.Combine(AppContext.BaseDirectory, "Assets", "tickets");

    /// <exception cref="InvalidDataException">A line has no label or no text, or the file has no lines.</exception>
    public static IReadOnlyList<Ticket> Read(string path)
    {
        var tickets = File.ReadLines(path).Index().Where(line => line.Item.Length > 0)
            .Select(line => line.Item.Split('\t') is [{ Length: > 0 } team, { Length: > 0 } text]
                ? new Ticket { Team = team, Text = text }
                : throw new InvalidDataException($"'{path}', line {line.Index + 1}: expected a label, a tab and a text, found "
                    + $"'{(line.Item.Length > 60 ? line.Item[..60] + "..." : line.Item)}'."))
            .ToList();
        return tickets.Count > 0 ? tickets : throw new InvalidDataException($"'{path}' has no lines.");
    }
}

/// <summary>A message of a customer and the team that answers it.</summary>
internal sealed class Ticket
{
    public string Team { get; set; } = "";

    public string Text { get; set; } = "";
}

/// <summary>Prediction of a model for a message.</summary>
internal sealed class TicketPrediction
{
    public string PredictedLabel { get; set; } = "";

    /// <summary>A probability for each team.</summary>
    public float[] Score { get; set; } = [];
}
