namespace SupportTickets;

/// <summary>Generated messages of customers, and the team that answers each.</summary>
internal static class Tickets
{
    private static readonly string[] s_openings =
        ["Hello,", "Hi there,", "Dear team,", "Good morning,", "Please help:", "Urgent!", "Hi,", "Hello again,"];

    private static readonly string[] s_endings =
    [
        "Thanks.", "Please advise.", "What can I do?", "I am a loyal customer.", "This is the second time.", "Kind regards",
        "Please call me.", "",
    ];

    private static readonly Dictionary<string, string[]> s_sentences = new()
    {
        ["billing"] =
        [
            "I was charged twice for my last order.", "the invoice shows the wrong amount.", "my card was declined but the money is gone.",
            "I want a refund for the order that I returned.", "the discount code was not applied to my bill.",
        ],
        ["delivery"] =
        [
            "my parcel has not arrived yet.", "the courier left the box at the wrong house.", "tracking has not changed for a week.",
            "the order arrived but one item is missing.", "I need the parcel sent to another address.",
        ],
        ["account"] =
        [
            "I cannot log in with my new password.", "the reset mail never arrives.", "please delete my account and all data.",
            "my account shows the orders of another customer.", "I want to change the mail address of my account.",
        ],
        ["product"] =
        [
            "the screen is broken after one day.", "the battery does not charge.", "the app closes when I press the button.",
            "the item is not the color that I ordered.", "the box is damaged and the screen has a scratch.",
        ],
    };

    public static IEnumerable<Ticket> Draw(int count, int seed)
    {
        var random = new Random(seed);
        var teams = s_sentences.Keys.ToArray();
        for (var i = 0; i < count; i++)
        {
            var team = teams[i % teams.Length];
            // One sentence in four is about something else.
            var other = random.Next(4) == 0 ? " " + Any(s_sentences[teams[random.Next(teams.Length)]], random) : "";
            yield return new Ticket
            {
                Team = team,
                Text = $"{Any(s_openings, random)} {Any(s_sentences[team], random)}{other} {Any(s_endings, random)}",
            };
        }
    }

    /// <summary>Lines of a file: the label, a tab, the text.</summary>
    public static IEnumerable<Ticket> Read(string path) => File.ReadLines(path).Where(line => line.Length > 0)
        .Select(line => line.Split('\t', 2)).Select(parts => parts is [var team, var text]
            ? new Ticket { Team = team, Text = text }
            : throw new InvalidDataException($"'{path}': expected a label, a tab and a text in each line, found '{parts[0]}'."));

    private static string Any(string[] all, Random random) => all[random.Next(all.Length)];
}

internal sealed class Ticket
{
    public string Team { get; set; } = "";

    public string Text { get; set; } = "";
}

internal sealed class Answer
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];
}
