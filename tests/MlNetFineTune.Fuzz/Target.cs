using System.Reflection;
using TorchSharp;

namespace MlNetFineTune.Fuzz;

/// <summary>A parser, and what users meet where it refuses an input. Anything else is a finding.</summary>
/// <param name="Name">Name, and folder of its corpus.</param>
/// <param name="Read">Reads an input, and uses what it holds.</param>
internal sealed partial record Target(string Name, Action<byte[]> Read)
{
    private const int MostMessage = 4000; // characters

    /// <summary>Exceptions besides <see cref="InvalidDataException"/> that the parser documents.</summary>
    public IReadOnlyList<Type> Refusals { get; init; } = [];

    /// <summary>Bytes that one thread may allocate for an input, and for each of its bytes.</summary>
    public (long Free, long PerByte) Memory { get; init; } = (32 << 20, 1000);

    /// <summary>Whether it creates tensors, which must all be disposed.</summary>
    public bool UsesTensors { get; init; }

    public static Target Find(string name) => All.SingleOrDefault(target => target.Name == name)
        ?? throw new ArgumentException($"There is no target '{name}'. There are: {string.Join(", ", All.Select(target => target.Name))}.");

    /// <summary>Reads an input and checks what became of it.</summary>
    /// <returns>The message of the refusal; null if the input was accepted.</returns>
    public string? Check(byte[] input)
    {
        var tensors = UsesTensors ? torch.Tensor.TotalCount : 0;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var refusal = MessageOf(input);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (allocated > Memory.Free + Memory.PerByte * input.Length)
            throw new FindingException($"{allocated} bytes were allocated for an input of {input.Length} bytes.");
        if (UsesTensors && torch.Tensor.TotalCount > tensors)
            throw new FindingException($"{torch.Tensor.TotalCount - tensors} tensors were not disposed.");
        if (refusal is not null && (refusal.Length is 0 or > MostMessage || refusal.Any(IsUnprintable)))
            throw new FindingException($"The message has {refusal.Length} characters, or unprintable ones: {refusal}");
        return refusal;
    }

    private string? MessageOf(byte[] input)
    {
        try
        {
            Read(input);
            return null;
        }
        catch (Exception e) when (IsRefusal(Cause(e)))
        {
            return Cause(e).Message;
        }
    }

    // Lists have a line for each item.
    private static bool IsUnprintable(char letter) => char.IsControl(letter) && letter != '\n';

    // ML.NET calls loaders by reflection.
    private static Exception Cause(Exception e) =>
        e is TargetInvocationException { InnerException: { } inner } ? Cause(inner) : e;

    private bool IsRefusal(Exception e) => e is InvalidDataException || Refusals.Contains(e.GetType());
}

/// <summary>An input was read in a way that breaks the contract, though without a wrong exception.</summary>
internal sealed class FindingException(string message) : Exception(message);
