using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Loads TorchSharp's native library before anything else touches it, so that a missing package is reported by name instead of as a
/// <see cref="TypeInitializationException"/> from wherever the first tensor happened to be made.
/// </summary>
internal static class TorchRuntime
{
    // Tried once: a load that failed fails again, and TorchSharp's second attempt copies the libraries first.
    private static readonly Lazy<Exception?> s_failure = new(TryLoad);
    private static string? s_note;

    /// <summary>What had to be done for this processor, for the log; null where nothing had to be.</summary>
    public static string? Note
    {
        get
        {
            EnsureLoaded();
            return s_note;
        }
    }

    /// <summary>
    /// Starts loading on another thread, for a caller that has other work first: half a gigabyte of libraries takes 0.3 s of one core.
    /// Failures are reported by <see cref="EnsureLoaded"/>.
    /// </summary>
    public static void BeginLoading()
    {
        if (s_failure.IsValueCreated || Environment.ProcessorCount == 1)
            return;
        SetVariables(); // on this thread: setenv is not safe beside getenv of another
        // Not of the thread pool: libtorch keeps threads for each thread that computed, until it ends.
        new Thread(() => _ = s_failure.Value) { IsBackground = true, Name = "MlNetFineTune loads libtorch" }.Start();
    }

    /// <exception cref="InvalidOperationException">The library does not load or computes wrong results.
    /// The message says which package to add, what to install or which variable to set.</exception>
    public static void EnsureLoaded()
    {
        if (s_failure.Value is { } failure)
            throw new InvalidOperationException(failure is ArithmeticException ? failure.Message : Explain(), failure);
    }

    private static Exception? TryLoad()
    {
        try
        {
            SetVariables();
            torch.InitializeDeviceType(DeviceType.CPU);
            torch.get_num_threads(); // a call into the native library
            NnPack.StayOffWhereItCannotWork();
            s_note = CacheSizes.AfterLoading();
            ArithmeticCheck.Run();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    // Of libgomp and oneDNN, which read them when they are loaded.
    private static void SetVariables()
    {
        OpenMp.WaitPassively();
        CacheSizes.BeforeLoading();
    }

    internal static string Explain()
    {
        var where = $"{RuntimeInformation.RuntimeIdentifier} ({RuntimeInformation.OSDescription})";
        var torchSharp = $"TorchSharp {Version("TorchSharpVersion")}";
        if (Platform.Current is not { } platform)
            return $"{torchSharp} has no native library for {where}. It has one for Linux x64, Windows x64 and macOS arm64.";

        var packages = $"{platform.CpuPackage} {Version("LibTorchVersion")}"
            + (platform.CudaPackage is { } cuda ? $" (or, for NVIDIA GPUs, {cuda} {Version("TorchSharpVersion")})" : "");
        string[] folders = [Path.Combine(AppContext.BaseDirectory, "runtimes", platform.RuntimeIdentifier, "native"),
            AppContext.BaseDirectory];
        var folder = folders.FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, platform.LibTorchFile)));

        return $"The native library of {torchSharp} did not load on {where}. " + (folder is null
            ? $"No {platform.LibTorchFile} was found in {string.Join(" or ", folders)}. "
                + $"Add to the application's project the package {packages}."
            : $"libtorch is there, in {folder}, but {LoaderError(Path.Combine(folder, platform.TorchSharpFile))}. "
                + $"TorchSharp needs {platform.Requirement}, and libtorch from the package {packages}.");
    }

    // Adds what TorchSharp's own message lacks: why the system's loader refused the file.
    private static string LoaderError(string library)
    {
        try
        {
            NativeLibrary.Load(library);
            return $"TorchSharp refused it although {Path.GetFileName(library)} itself loads";
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return $"the system says: {e.Message.Trim().TrimEnd('.')}";
        }
    }

    private static string Version(string name) =>
        typeof(TorchRuntime).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == name).Value!;

    private sealed record Platform(
        string RuntimeIdentifier, string CpuPackage, string? CudaPackage, string LibTorchFile, string TorchSharpFile, string Requirement)
    {
        public static Platform? Current =>
            OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
                ? new("linux-x64", "libtorch-cpu-linux-x64", "TorchSharp-cuda-linux", "libtorch.so", "libLibTorchSharp.so",
                    "glibc 2.34 or later")
            : OperatingSystem.IsWindows() && RuntimeInformation.ProcessArchitecture == Architecture.X64
                ? new("win-x64", "libtorch-cpu-win-x64", "TorchSharp-cuda-windows", "torch.dll", "LibTorchSharp.dll",
                    "the current Visual C++ redistributable")
            : OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
                ? new("osx-arm64", "libtorch-cpu-osx-arm64", null, "libtorch.dylib", "libLibTorchSharp.dylib", "a current macOS")
            : null;
    }
}
