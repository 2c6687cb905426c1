using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace MlNetFineTune.MlNet;

/// <summary>
/// The processor as CPUID describes it to programs, libtorch among them.
/// A hypervisor can hide the caches (Firecracker, and with it AWS Lambda and Fargate).
/// </summary>
/// <param name="Name">The brand string.</param>
/// <param name="IsAmd">Made by AMD.</param>
/// <param name="InstructionSet">The widest vectors that it has.</param>
/// <param name="DataCaches">Bytes of the data caches, level 1 first; empty where CPUID reports none.</param>
internal sealed record Processor(string Name, bool IsAmd, string InstructionSet, IReadOnlyList<long> DataCaches)
{
    // No processor that runs libtorch has a data cache this small: such a size is a leaf of zeros.
    private const long SmallestCache = 4096;

    public static Processor Current { get; } = X86Base.IsSupported
        ? Read(X86Base.CpuId)
        : new(RuntimeInformation.ProcessArchitecture.ToString(), false, "its own", []);

    /// <summary>Whether CPUID reports the data caches. Always true on processors without CPUID.</summary>
    public bool TellsCaches => !X86Base.IsSupported || DataCaches.Any(size => size >= SmallestCache);

    /// <param name="cpuid">Leaf and sub-leaf to the registers EAX, EBX, ECX and EDX.</param>
    public static Processor Read(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid)
    {
        var vendor = Text(cpuid(0, 0) is var (_, b, c, d) ? [b, d, c] : []);
        var isAmd = vendor == "AuthenticAMD";
        var name = BrandOf(cpuid) is { Length: > 0 } brand ? brand : vendor;
        return new(name, isAmd, WidestVectors(), isAmd ? AmdCaches(cpuid) : DeterministicCaches(cpuid));
    }

    public override string ToString()
    {
        var sizes = string.Join(", ", DataCaches.Select(size => $"{size / 1024} KiB"));
        var caches = !TellsCaches ? "not told by the hypervisor" : sizes.Length > 0 ? $"of {sizes}" : "not asked for";
        return $"{Name}, {InstructionSet}, caches {caches}";
    }

    // AMD's manual, volume 3, leaf 0x8000001D: sub-leaf 0 is the first data cache, 1 the instruction
    // cache, 2 and 3 the second and third level.
    private static List<long> AmdCaches(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid) =>
        [.. ((int[])[0, 2, 3]).Select(sub => Size(cpuid(unchecked((int)0x8000001D), sub)))];

    // Intel's manual, leaf 4: one cache a sub-leaf, until the type is 0; types 1 and 3 hold data.
    private static List<long> DeterministicCaches(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid)
    {
        var sizes = new List<long>();
        for (var sub = 0; sub < 8 && cpuid(0, 0).Eax >= 4; sub++)
        {
            var leaf = cpuid(4, sub);
            var type = leaf.Eax & 31;
            if (type == 0)
                break;
            if (type is 1 or 3)
                sizes.Add(Size(leaf));
        }
        return sizes;
    }

    // Ways x partitions x line x sets, each one less than it is.
    private static long Size((int Eax, int Ebx, int Ecx, int Edx) leaf) =>
        (((uint)leaf.Ebx >> 22) + 1L) * (((leaf.Ebx >> 12) & 0x3FF) + 1) * ((leaf.Ebx & 0xFFF) + 1) * ((uint)leaf.Ecx + 1L);

    private static string BrandOf(Func<int, int, (int Eax, int Ebx, int Ecx, int Edx)> cpuid)
    {
        uint[] leaves = [0x80000002, 0x80000003, 0x80000004];
        return (uint)cpuid(unchecked((int)0x80000000), 0).Eax < leaves[^1]
            ? ""
            : Text([.. leaves.Select(leaf => cpuid((int)leaf, 0)).SelectMany(leaf => (int[])[leaf.Eax, leaf.Ebx, leaf.Ecx, leaf.Edx])]);
    }

    private static string Text(int[] registers)
    {
        var bytes = new byte[registers.Length * sizeof(int)];
        for (var i = 0; i < registers.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * sizeof(int)), registers[i]);
        return Encoding.ASCII.GetString(bytes).Trim('\0', ' ');
    }

    private static string WidestVectors() =>
        Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : Avx.IsSupported ? "AVX" : "SSE";
}
