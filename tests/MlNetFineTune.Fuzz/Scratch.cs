namespace MlNetFineTune.Fuzz;

/// <summary>A folder for the files of one input after another. Deleted with the process; fuzz.sh has it in memory.</summary>
internal sealed class Scratch
{
    private Scratch(string path) => Path = path;

    public string Path { get; }

    public static Scratch New()
    {
        var folder = Directory.CreateTempSubdirectory("mlnetfinetune-fuzz-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return new Scratch(folder);
    }

    /// <summary>Writes a file, and deletes it where there are no bytes.</summary>
    /// <returns>Its path.</returns>
    public string Put(string name, ReadOnlySpan<byte> content)
    {
        var path = System.IO.Path.Combine(Path, name);
        if (content.IsEmpty)
            File.Delete(path);
        else
            File.WriteAllBytes(path, content);
        return path;
    }
}
