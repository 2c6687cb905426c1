using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Gives oneDNN cache sizes where the hypervisor hides AMD's. oneDNN 3.7, which libtorch 2.10 contains, reads leaf 0x8000001D of an
/// AMD processor without asking whether anything is there (<c>Xbyak::util::Cpu::setCacheHierarchy</c>): from zeros it takes three
/// caches of one byte each, divides its work for them, and a 1x1 convolution in channels-last layout then gives wrong numbers (up to
/// 0.8 of the largest) or ends the process with a division by zero. Where no level is found at all, as on such a machine of Intel's,
/// it has sizes of its own and computes right.
/// <para>
/// Setting ONEDNN_MAX_CPU_ISA=AVX is right too, but trains a ResNet-18 three times slower. So what is wrong is mended: the three sizes that
/// oneDNN keeps are overwritten with those that it would take itself. They are found by their value, exactly one place must match, and
/// <see cref="ArithmeticCheck"/> looks at the outcome. Whoever has set the variable has chosen: nothing is done then. This can go with a
/// libtorch whose oneDNN has xbyak 7.30 or later, which stops at the first empty sub-leaf.
/// </para>
/// </summary>
internal static class CacheSizes
{
    private const string Variable = "ONEDNN_MAX_CPU_ISA";

    /// <summary>oneDNN's own numbers where nothing is told
    /// (<c>platform::get_per_core_cache_size</c>), bytes of the levels 1 to 3.</summary>
    private static readonly int[] s_usual = [32 * 1024, 512 * 1024, 1024 * 1024];

    private const int MostLevels = 10; // the length of both arrays of Xbyak::util::Cpu
    private const int Fields = 2 * MostLevels + 1; // sizes, cores that share them, count of levels

    /// <summary>What the user has set, or null.</summary>
    public static string? UsersSetting =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } own ? own
        : Environment.GetEnvironmentVariable("DNNL_MAX_CPU_ISA") is { Length: > 0 } old ? old
        : null;

    /// <summary>Whether oneDNN mistakes this processor's caches.</summary>
    public static bool AreMistaken(Processor processor) => processor.IsAmd && !processor.TellsCaches;

    /// <summary>Before libtorch is loaded: where its memory cannot be searched, the slower setting.</summary>
    public static void BeforeLoading()
    {
        if (AreMistaken(Processor.Current) && UsersSetting is null && !OperatingSystem.IsLinux())
            Environment.SetEnvironmentVariable(Variable, "AVX");
    }

    /// <summary>After libtorch is loaded and before it computes.</summary>
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

    // oneDNN asks the processor when it is first used; a convolution of another kind than 1x1 does no harm.
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
            using var memory = File.OpenHandle("/proc/self/mem"); // what is gone meanwhile is an error there, and no fault
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

    /// <summary>Where three levels of one byte each are written down: sizes, by how many
    /// cores each is shared, the count of levels.</summary>
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
