using System.Text;
using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>The description of a tokenizer in a model file. The vocabulary is a file beside it.</summary>
/// <param name="VocabularySha256">SHA-256 of the vocabulary's bytes, in hexadecimal.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(BertTokenizerManifest), "WordPiece")]
[JsonDerivedType(typeof(BytePairTokenizerManifest), "ByteLevelBpe")]
internal abstract record TokenizerManifest(string VocabularySha256)
{
    /// <summary>The name of the vocabulary in messages when it comes from a model file.</summary>
    protected const string ModelFile = "in the model file";

    /// <summary>The vocabulary's bytes to be stored; empty in a description that was read from a file.</summary>
    [JsonIgnore, NotInFingerprint("Its hash is.")]
    public byte[] Vocabulary { get; init; } = [];

    /// <summary>Hash of the options and the vocabulary: tokenizers of the same hash encode alike.</summary>
    [JsonIgnore]
    public ContentHash Hash => ContentHash.Of("tokenizer", Encoding.UTF8.GetBytes(CanonicalJson.Of(this)));

    /// <param name="vocabulary">The bytes that were stored.</param>
    /// <exception cref="InvalidDataException">They are not those that were stored, or no vocabulary of this tokenizer.</exception>
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public Tokenizer Create(byte[] vocabulary)
    {
        var found = ContentHash.Of(vocabulary).ToString();
        return found == VocabularySha256
            ? Build(vocabulary)
            : throw new InvalidDataException($"The vocabulary {ModelFile} is damaged: its SHA-256 is {found}, expected "
                + $"{SafeText.Of(VocabularySha256)}. Save the model again, or copy the file again from where it came.");
    }

    // The vocabulary's bytes are compared by their hash.
    public virtual bool Equals(TokenizerManifest? other) =>
        other is not null && EqualityContract == other.EqualityContract && VocabularySha256 == other.VocabularySha256;

    public override int GetHashCode() => VocabularySha256.GetHashCode(StringComparison.Ordinal);

    protected abstract Tokenizer Build(byte[] vocabulary);
}
