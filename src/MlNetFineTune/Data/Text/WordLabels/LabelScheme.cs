namespace MlNetFineTune;

/// <summary>How the labels of words mark entities of several words. A label is <c>O</c>, or a prefix, a hyphen and the type.</summary>
public enum LabelScheme
{
    /// <summary>
    /// Recognised from the label names: <see cref="Bioes"/> if there are <c>E-</c> or <c>S-</c> (or <c>L-</c> and <c>U-</c> of BILOU),
    /// otherwise IOB1 or IOB2 if all labels are <c>O</c>, <c>B-</c> and <c>I-</c>, otherwise <see cref="Plain"/>. IOB1 and IOB2 need not be
    /// told apart to read the entities. Sequences that a scheme does not allow are read as by conlleval: an <c>I-</c> after <c>O</c> begins
    /// an entity.
    /// </summary>
    Recognize,

    /// <summary>A label for each word by itself, such as its part of speech: no entities.</summary>
    Plain,

    /// <summary>
    /// IOB1: all words of an entity have <c>I-</c>; <c>B-</c> begins one that directly follows another of its type. The only scheme that is
    /// not converted to IOB2 if it is stated: with little data a network learns it faster, since it need not tell first words from others.
    /// </summary>
    Iob1,

    /// <summary>IOB2 (BIO): the first word of an entity has <c>B-</c>, the others <c>I-</c>.</summary>
    Iob2,

    /// <summary>
    /// BIOES: as IOB2, and the last word of an entity has <c>E-</c>, the only one <c>S-</c>. <c>L-</c> and <c>U-</c> of BILOU are the same.
    /// </summary>
    Bioes,
}
