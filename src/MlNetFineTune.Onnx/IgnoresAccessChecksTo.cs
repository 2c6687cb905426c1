using System.Runtime.CompilerServices;

// As in MlNetFineTune: the compiler sees copies of these assemblies in which everything is public (build/MlNetInternals.targets).
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.StandardTrainers")]
