namespace MlNetFineTune.Tokenizers;

/// <summary>
/// GPT-2's spelling of bytes as printable characters (<c>bytes_to_unicode</c>, https://github.com/openai/gpt-2, encoder.py): printable
/// Latin-1 stays, and the other 68 bytes become the characters from U+0100 on; a space is <c>Ġ</c>.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = Make();

    public static char Of(byte value) => s_characters[value];

    private static char[] Make()
    {
        var (characters, next) = (new char[256], 256);
        for (var value = 0; value < 256; value++)
            characters[value] = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)value : (char)next++;
        return characters;
    }
}
