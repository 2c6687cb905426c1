using System.Runtime.CompilerServices;

// ML.NET's extension points (saving into a model zip, row mappers, the environment behind MLContext) are internal. The compiler sees copies
// of these two assemblies in which they are public (build/MlNetInternals.targets); these attributes make the runtime allow the same calls
// against the real ones.
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices;

/// <summary>The runtime knows this attribute by name; no framework assembly declares it.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
