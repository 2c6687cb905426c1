namespace MlNetFineTune.Data;

/// <summary>The label of a word in a scheme that marks entities.</summary>
/// <param name="Prefix">B, I, E, S or O.</param>
/// <param name="Type">Type of the entity; empty for O.</param>
internal readonly record struct EntityTag(char Prefix, string Type)
{
    public static EntityTag Outside { get; } = new('O', "");

    public bool IsOutside => Prefix == 'O';

    /// <summary>Whether the word continues an entity with the tag before.</summary>
    public bool IsInside => Prefix is 'I' or 'E';

    /// <summary>Parses a label; L- and U- of BILOU become E- and S-.</summary>
    public static bool TryParse(string label, out EntityTag tag)
    {
        tag = Outside;
        if (label == "O")
            return true;
        if (label.Length < 3 || label[1] != '-')
            return false;
        var prefix = label[0] switch
        {
            'L' => 'E',
            'U' => 'S',
            'B' or 'I' or 'E' or 'S' => label[0],
            _ => '\0',
        };
        tag = new EntityTag(prefix, label[2..]);
        return prefix != '\0';
    }

    public override string ToString() => IsOutside ? "O" : $"{Prefix}-{Type}";
}

/// <summary>An entity as a range of words.</summary>
/// <param name="Type">Type of the entity.</param>
/// <param name="First">Index of the first word.</param>
/// <param name="End">Index after the last word.</param>
internal readonly record struct WordSpan(string Type, int First, int End);
