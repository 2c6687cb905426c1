using System.Runtime.InteropServices;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Makes libtorch's threads sleep while they wait for each other. By default libgomp's threads spin, 300,000 rounds (GOMP_SPINCOUNT in its
/// manual); where other threads compete for the cores (image decoders, another process) each wait then costs whole time slices: two
/// concurrent trainings on a busy machine with two cores took 115 s instead of 5 s.
/// </summary>
internal static partial class OpenMp
{
    /// <summary>Must be called before libtorch is loaded. Variables that the user has set are not changed.</summary>
    public static void WaitPassively()
    {
        if (!OperatingSystem.IsLinux() || IsSet("OMP_WAIT_POLICY") || IsSet("GOMP_SPINCOUNT"))
            return;
        // libgomp reads the process's own environment, of which .NET's Environment is only a copy.
        _ = SetEnvironmentVariable("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
    }

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
