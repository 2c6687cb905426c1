using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Benchmarks;

/// <summary>The machine and the versions that a result depends on. Nothing in it identifies a machine or its owner.</summary>
/// <param name="Processor">The brand string.</param>
/// <param name="InstructionSet">The widest vectors that the processor has, or that the user has left to oneDNN.</param>
/// <param name="Caches">Sizes of the data caches that CPUID reports.</param>
/// <param name="Cores">Number of cores that the process may use.</param>
/// <param name="System">The operating system.</param>
/// <param name="Versions">Versions of the libraries by name.</param>
internal sealed record BenchmarkMachine(
    string Processor, string InstructionSet, string Caches, int Cores, string System, IReadOnlyDictionary<string, string> Versions)
{
    private static readonly (string Name, string Assembly)[] s_libraries =
        [("ML.NET", "Microsoft.ML.Core"), ("TorchSharp", "TorchSharp"), ("ONNX Runtime", "Microsoft.ML.OnnxRuntime")];

    public static BenchmarkMachine Current()
    {
        var processor = MlNet.Processor.Current;
        var caches = processor.TellsCaches
            ? string.Join(", ", processor.DataCaches.Select(size => string.Create(CultureInfo.InvariantCulture, $"{size / 1024} KiB")))
            : "hidden by the hypervisor";
        var limit = CacheSizes.UsersSetting is { } isa ? $", oneDNN limited to {isa}" : "";
        return new(
            processor.Name, $"{processor.InstructionSet}{limit}", caches, Environment.ProcessorCount, RuntimeInformation.OSDescription,
            new SortedDictionary<string, string>(
                s_libraries.ToDictionary(library => library.Name, library => VersionOf(library.Assembly)), StringComparer.Ordinal)
            {
                [".NET"] = Environment.Version.ToString(),
            });
    }

    /// <summary>One line: processor, instruction set, visible caches, cores.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Processor}, {InstructionSet}, caches: {Caches}; {Cores} cores");

    private static string VersionOf(string assembly) =>
        Assembly.Load(assembly).GetCustomAttribute<AssemblyInformationalVersionAttribute>() is { InformationalVersion: var version }
            ? version.Split('+')[0] // without the commit
            : "unknown";
}
