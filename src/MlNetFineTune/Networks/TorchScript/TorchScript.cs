using System.Security.Cryptography;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>
/// A network that Python exported (<c>torch.jit.trace</c> or <c>script</c>, then <c>save</c>): the bytes of the file, which travel with the
/// model, since TorchSharp cannot write a program that it has loaded and trained.
/// </summary>
internal sealed class TorchScript
{
    public const string Name = "torchscript";
    public const string Advice = "In Python: torch.jit.trace(model.eval(), torch.zeros(1, 3, 224, 224)).save(\"model.pt\").";

    // The first name that no tensor of the program uses.
    private static readonly string[] s_classifiers = ["head", "classifier", "fc", "new_head", "mlnet_head"];

    /// <param name="bytes">Content of the file.</param>
    /// <param name="source">Name of the file, for messages.</param>
    /// <param name="preprocessing">Preprocessing of the pictures.</param>
    /// <exception cref="InvalidDataException">It is no such program, or one that gives no features.</exception>
    public TorchScript(byte[] bytes, string source, ImagePreprocessing preprocessing)
    {
        ScriptArchive.Check(bytes, source);
        Bytes = bytes;
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        using var network = ScriptNetwork.Load(bytes, source, preprocessing.Size);
        Stages = [.. network.Stages.Select(stage => stage.Name)];
        var roots = network.NamedTensors().Select(named => named.Name.Split('.')[0]).ToHashSet(StringComparer.Ordinal);
        Architecture = new(
            Name, s_classifiers.First(name => !roots.Contains(name)),
            new WeightsRecipe(preprocessing, Backbone.ConvolutionPadding.Symmetric, 1e-5),
            recipe => ScriptNetwork.Load(bytes, source, recipe.Preprocessing.Size))
        { Script = this };
    }

    public byte[] Bytes { get; }

    /// <summary>SHA-256 of the file in lower-case hexadecimal digits.</summary>
    public string Sha256 { get; }

    public IReadOnlyList<string> Stages { get; }

    public Architecture Architecture { get; }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no such program, or one that gives no features.</exception>
    public static TorchScript Open(string path, ImagePreprocessing preprocessing)
    {
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException($"{SafeText.Quoted(path, SafeText.SentenceLength)} cannot be read: {reason}. {Advice}");
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file '{path}' with a TorchScript program. {Advice}", path);
        RequireNoWeights(path);
        return new TorchScript(File.ReadAllBytes(path), path, preprocessing);
    }

    // The most likely mistake: a file of weights alone with the same extension.
    private static void RequireNoWeights(string path)
    {
        try
        {
            WeightFile.Open(path).Dispose();
        }
        catch (InvalidDataException)
        {
            return;
        }
        throw new InvalidDataException(
            $"'{path}' holds weights alone, without the network. For one of our networks: Backbone.FromName(...).WithWeights(path). "
            + $"Another network is exported with its code. {Advice}");
    }
}
