using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Tells libtorch not to try NNPACK where it cannot work: it needs AVX2 and the sizes of the caches, and where one is missing libtorch
/// tries again and warns on stderr at each small convolution ("Could not initialize NNPACK! Reason: Unsupported hardware").
/// TorchSharp does not wrap the setting; libtorch exports it.
/// </summary>
internal static partial class NnPack
{
    public static void StayOffWhereItCannotWork()
    {
        if (!OperatingSystem.IsLinux() || !X86Base.IsSupported || (Processor.Current.TellsCaches && Avx2.IsSupported))
            return;
        try
        {
            SetEnabled(GlobalContext(), false);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another version of libtorch: it may warn, and computes the same.
        }
    }

    // at::globalContext() and at::Context::setUserEnabledNNPACK(bool), in ATen/Context.h.
    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at7Context20setUserEnabledNNPACKEb")]
    private static partial void SetEnabled(nint context, [MarshalAs(UnmanagedType.U1)] bool enabled);
}
