using System.Globalization;

namespace Pretrain;

/// <summary>
/// Words, definitions and examples of WordNet 3.0 (Princeton University, https://wordnet.princeton.edu), in the files
/// <c>data.noun</c>, <c>data.verb</c>, <c>data.adj</c> and <c>data.adv</c> of its database (wndb(5WN)).
/// </summary>
internal static class WordNetTexts
{
    private static readonly string[] s_files = ["data.adj", "data.adv", "data.noun", "data.verb"];

    // Lexicographer files noun.animal and noun.plant: a fifth of all nouns, most of them Latin names.
    private static readonly string[] s_leftOut = ["05", "20"];

    /// <exception cref="FileNotFoundException">The folder does not have the database.</exception>
    public static IEnumerable<CorpusEntry> Read(string folder)
    {
        foreach (var file in s_files)
        {
            if (!File.Exists(Path.Combine(folder, file)))
            {
                throw new FileNotFoundException(
                    $"'{folder}' has no '{file}' of WordNet's database. Debian's package wordnet-base has it, in /usr/share/wordnet.");
            }
        }
        return s_files.SelectMany(file => ReadFile(Path.Combine(folder, file)));
    }

    private static IEnumerable<CorpusEntry> ReadFile(string path)
    {
        // The licence at the beginning is indented.
        var meanings = File.ReadLines(path).Where(line => line.Length > 0 && line[0] != ' ').Select(Meaning.Parse).ToList();
        var definitions = meanings.ToDictionary(meaning => meaning.Offset, meaning => meaning.Definition, StringComparer.Ordinal);
        foreach (var meaning in meanings.Where(meaning => !meaning.IsName && !s_leftOut.Contains(meaning.Topic)))
        {
            List<string> views = [meaning.Words, meaning.Definition, .. meaning.Examples];
            if (meaning.Wider is { } wider && definitions.TryGetValue(wider, out var definition))
                views.Add(definition);
            yield return new CorpusEntry(string.Join(". ", [$"{meaning.Words}: {meaning.Definition}", .. meaning.Examples]) + ".", views);
        }
    }

    /// <param name="Offset">Number of the meaning in its file.</param>
    /// <param name="Topic">Number of the lexicographer file.</param>
    /// <param name="Words">The words with this meaning.</param>
    /// <param name="Definition">The definition.</param>
    /// <param name="Examples">Examples of use.</param>
    /// <param name="Wider">The meaning above; null if it has none.</param>
    /// <param name="IsName">Whether it is a person, a place or another instance.</param>
    private sealed record Meaning(
        string Offset, string Topic, string Words, string Definition, string[] Examples, string? Wider, bool IsName)
    {
        // offset topic type count word id ... count [symbol offset type source] ... | definition; "example"; "example"
        public static Meaning Parse(string line)
        {
            var bar = line.IndexOf('|', StringComparison.Ordinal);
            var fields = line[..bar].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var words = int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var pointers = fields[(4 + 2 * words)..];
            string? wider = null;
            var isName = false;
            for (var i = 0; i < int.Parse(pointers[0], CultureInfo.InvariantCulture); i++)
            {
                var symbol = pointers[1 + 4 * i];
                isName |= symbol == "@i";
                if (symbol is "@" or "&")
                    wider ??= pointers[2 + 4 * i];
            }
            var gloss = line[(bar + 1)..].Split('"', StringSplitOptions.TrimEntries);
            return new Meaning(
                fields[0], fields[1], string.Join(", ", Enumerable.Range(0, words).Select(i => Word(fields[4 + 2 * i]))),
                gloss[0].TrimEnd(';', ' ', ':'), [.. gloss.Skip(1).Where((part, i) => i % 2 == 0 && part.Length > 0)], wider, isName);
        }

        // beautiful(p), ice_cream
        private static string Word(string field) => field.Split('(')[0].Replace('_', ' ');
    }
}
