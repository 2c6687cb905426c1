using MlNetFineTune.Primitives;

namespace Pretrain;

/// <summary>What a source says of one thing: a member of an interface, a meaning of a word.</summary>
/// <param name="Passage">All of it, for masked language modelling.</param>
/// <param name="Views">Short texts of the same thing, each of which says it in another way; fewer than two give no pair.</param>
internal sealed record CorpusEntry(string Passage, IReadOnlyList<string> Views);

/// <summary>The entries of the sources, some of them held out for evaluation.</summary>
internal sealed class TextCorpus
{
    private const int OneIn = 50; // entries held out

    private static readonly RandomStream s_split = new(1);

    private TextCorpus(CorpusEntry[] training, CorpusEntry[] heldOut) => (Training, HeldOut) = (training, heldOut);

    public IReadOnlyList<CorpusEntry> Training { get; }

    public IReadOnlyList<CorpusEntry> HeldOut { get; }

    public long Characters => Training.Sum(entry => (long)entry.Passage.Length);

    /// <summary>Reads the sources. The same files and seed give the same entries in the same order.</summary>
    /// <param name="documentation">Folder of the SDK's reference packs.</param>
    /// <param name="wordNet">Folder of WordNet's database.</param>
    /// <param name="seed">Decides which entries are held out.</param>
    public static TextCorpus Read(string documentation, string wordNet, long seed)
    {
        List<CorpusEntry> training = [], heldOut = [];
        foreach (var entry in DocumentationTexts.Read(documentation).Concat(WordNetTexts.Read(wordNet)))
        {
            var isHeldOut = new CountedRandom(seed, s_split, epoch: 0, training.Count + heldOut.Count).NextInt(OneIn) == 0;
            (isHeldOut ? heldOut : training).Add(entry);
        }
        return new TextCorpus([.. training], [.. heldOut]);
    }
}
