namespace PhotoDesk;

/// <summary><c>hash-password NAME</c>: reads a password from the standard input and writes what the options need.</summary>
internal static class PasswordHash
{
    private const int Shortest = 8;

    public static int Write(string name, TextReader input, TextWriter output)
    {
        if (input.ReadLine() is not { Length: >= Shortest } password)
            throw new ArgumentException($"Write a password of at least {Shortest} characters into the standard input.");
        output.WriteLine($"PhotoDesk__SignIn__Users__{name}={SignIn.Hash(name, password)}");
        return 0;
    }
}
