namespace MlNetFineTune.Benchmarks;

/// <summary>A sentence of CoNLL-2003.</summary>
/// <param name="Document">Number of its document in the file.</param>
/// <param name="Words">Its words.</param>
/// <param name="Tags">The entities of the words, in IOB1.</param>
internal sealed record ConllSentence(int Document, string[] Words, string[] Tags)
{
    /// <summary>The sentences of a file, in order.</summary>
    public static IEnumerable<ConllSentence> Read(string file)
    {
        var document = 0;
        var (words, tags) = (new List<string>(), new List<string>());
        foreach (var line in File.ReadLines(SharedFiles.Require($"data/text/conll2003/{file}")).Append(""))
        {
            var columns = line.Split(' ');
            if (columns[0] == "-DOCSTART-")
            {
                document++;
            }
            else if (line.Length > 0)
            {
                words.Add(columns[0]);
                tags.Add(columns[^1]);
            }
            else if (words.Count > 0)
            {
                yield return new ConllSentence(document, [.. words], [.. tags]);
                words.Clear();
                tags.Clear();
            }
        }
    }
}
