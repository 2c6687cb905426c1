using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Gives oneDNN cache sizes where the hypervisor hides AMD's. oneDNN 3.7, which libtorch 2.10 contains, reads leaf 0x8000001D of an AMD
/// processor without asking whether anything is there (<c>Xbyak::util::Cpu::setCacheHierarchy</c>): from zeros it takes three caches of
/// one byte each, divides its work for them, and a 1x1 convolution in channels-last layout then gives wrong numbers (up to 0.8 of the
/// largest) or ends the process with a division by zero. Where no level is found at all, as on such a machine with an Intel processor, it
/// takes default sizes and computes correctly.
/// <para>
/// Setting ONEDNN_MAX_CPU_ISA=AVX avoids this too, but trains a ResNet-18 three times slower. Therefore the three sizes that oneDNN keeps
/// are overwritten with its own defaults. They are found by their value, exactly one place must match, and <see cref="ArithmeticCheck"/>
/// verifies the outcome. Nothing is done where the user has set the variable. This workaround can be removed with a libtorch whose oneDNN
/// contains xbyak 7.30 or later, which stops at the first empty sub-leaf.
/// </para>
/// </summary>
internal static class CacheSizes
{
    private const string Variable = "ONEDNN_MAX_CPU_ISA";

    /// <summary>oneDNN's defaults for unknown caches (<c>platform::get_per_core_cache_size</c>), bytes of the levels 1 to 3.</summary>
    private static readonly int[] s_usual = [32 * 1024, 512 * 1024, 1024 * 1024];

    private const int MostLevels = 10; // the length of both arrays of Xbyak::util::Cpu
    private const int Fields = 2 * MostLevels + 1; // sizes, cores that share them, count of levels

    /// <summary>The value of ONEDNN_MAX_CPU_ISA that the user has set; null where it is not set.</summary>
    public static string? UsersSetting =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } own ? own
        : Environment.GetEnvironmentVariable("DNNL_MAX_CPU_ISA") is { Length: > 0 } old ? old
        : null;

    /// <summary>Whether oneDNN reads wrong cache sizes from this processor.</summary>
    public static bool AreMistaken(Processor processor) => processor.IsAmd && !processor.TellsCaches;

    /// <summary>To be called before libtorch is loaded. Sets the slower instruction set where the memory of
    /// the process cannot be searched.</summary>
    public static void BeforeLoading()
    {
        if (AreMistaken(Processor.Current) && UsersSetting is null && !OperatingSystem.IsLinux())
            Environment.SetEnvironmentVariable(Variable, "AVX");
    }

    /// <summary>To be called after libtorch is loaded and before it computes: corrects the sizes.</summary>
    /// <returns>What was done and why, for the log; null where nothing had to be.</returns>
    public static string? AfterLoading()
    {
        if (!AreMistaken(Processor.Current))
            return null;
        var reason = $"The hypervisor hides this processor's caches ({Processor.Current}), "
            + "which oneDNN in libtorch 2.10 takes for caches of one byte";
        if (UsersSetting is { } setting)
            return $"{reason}. Its instruction set is limited to {setting} by an environment variable, which is left as it is.";
        MakeOneDnnLook();
        return Mend()
            ? $"{reason}: its 1x1 convolutions would be wrong. They were given the usual sizes."
            : $"{reason}. The place where it keeps them was not found. {ArithmeticCheck.Advice}";
    }

    // oneDNN reads the processor's caches at its first use, here a convolution that is not 1x1 and therefore harmless.
    private static void MakeOneDnnLook()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var images = zeros([2, 3, 4, 4], ScalarType.Float32);
        var kernels = zeros([4, 3, 3, 3], ScalarType.Float32);
        nn.functional.conv2d(images, kernels);
    }

    // The library's data end in memory that belongs to no file (.bss): there its zero-initialised objects are.
    private static bool Mend()
    {
        try
        {
            using var memory = File.OpenHandle("/proc/self/mem"); // memory that was unmapped gives an error here, not a segmentation fault
            var found = new List<nint>();
            var (isBehindLibrary, end) = (false, (nint)0);
            foreach (var line in File.ReadLines("/proc/self/maps")) // 7f00-7f80 rw-p 00000000 00:00 0    /path with spaces
            {
                var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                var range = Array.ConvertAll(
                    fields[0].Split('-'), address => nint.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                var isFile = fields.Length > 5;
                var isLibrary = isFile && fields[5].EndsWith("/libtorch_cpu.so", StringComparison.Ordinal);
                if ((isLibrary || (!isFile && isBehindLibrary && range[0] == end)) && fields[1].StartsWith("rw", StringComparison.Ordinal))
                    found.AddRange(Places(memory, range[0], range[1]));
                (isBehindLibrary, end) = (isLibrary, range[1]);
            }
            if (found.Count != 1)
                return false;
            Marshal.Copy(s_usual, 0, found[0], s_usual.Length);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static IEnumerable<nint> Places(SafeFileHandle memory, nint begin, nint end)
    {
        var bytes = new byte[Math.Min(end - begin, Array.MaxLength)];
        var count = RandomAccess.Read(memory, bytes, begin);
        return Places(MemoryMarshal.Cast<byte, int>(bytes.AsSpan(0, count))).Select(place => begin + place * sizeof(int));
    }

    /// <summary>Finds the structure with three levels of one byte each: sizes, sharing cores, number of levels.</summary>
    internal static List<int> Places(ReadOnlySpan<int> memory)
    {
        var places = new List<int>();
        ReadOnlySpan<int> sizes = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        for (var start = 0; start + Fields <= memory.Length; start++)
        {
            var next = memory[start..].IndexOf(sizes);
            if (next < 0 || start + next + Fields > memory.Length)
                break;
            start += next;
            var shared = memory.Slice(start + MostLevels, MostLevels);
            if (shared[..3].IndexOfAnyExceptInRange(1, 1024) < 0 && shared[3..].IndexOfAnyExcept(0) < 0 && memory[start + Fields - 1] == 3)
                places.Add(start);
        }
        return places;
    }
}
