namespace PhotoDesk;

/// <summary><c>hash-password NAME</c>: reads a password from the standard input and writes what the options need.</summary>
internal static class PasswordHash
{
    private const int Shortest = 8;

    // The ends of a setting's name and of its parts.
    private static readonly string[] Separators = [":", "__", "="];

    public static int Write(string name, TextReader input, TextWriter output)
    {
        if (name.Length == 0 || Separators.Any(name.Contains))
            throw new ArgumentException($"'{name}' cannot be the name of a user: a setting cannot have it. Take one that is not empty and "
                + "has none of : and __ and =.");
        if (input.ReadLine() is not { Length: >= Shortest } password)
            throw new ArgumentException($"Write a password of at least {Shortest} characters into the standard input.");
        output.WriteLine($"PhotoDesk__SignIn__Users__{name}={SignIn.Hash(name, password)}");
        return 0;
    }
}
