namespace MlNetFineTune.Distributed;

/// <summary>File names of MPI libraries, the more specific first: <c>libmpi.so</c> may be of either family.</summary>
internal static class MpiLibraryNames
{
    // Homebrew's folder on ARM is not searched by the system's loader.
    private const string Homebrew = "/opt/homebrew/lib/";

    /// <param name="family">The implementation; null for any.</param>
    /// <param name="mpichFirst">Where it is any: whether MPICH's names are tried before Open MPI's.</param>
    public static string[] For(MpiFamily? family, bool mpichFirst = false)
    {
        string[] openMpi, mpich;
        if (OperatingSystem.IsWindows())
        {
            // Open MPI does not support Windows.
            (openMpi, mpich) = ([], ["msmpi.dll", "impi.dll"]);
        }
        else if (OperatingSystem.IsMacOS())
        {
            openMpi = ["libmpi.40.dylib", Homebrew + "libmpi.40.dylib", "libmpi.dylib", Homebrew + "libmpi.dylib"];
            mpich = ["libmpi.12.dylib", Homebrew + "libmpi.12.dylib", "libmpi.dylib", Homebrew + "libmpi.dylib"];
        }
        else
        {
            openMpi = ["libmpi.so.40", "libmpi.so"];
            mpich = ["libmpi.so.12", "libmpich.so.12", "libmpi.so"]; // libmpich: the name in Debian
        }
        return family switch
        {
            MpiFamily.OpenMpi => openMpi,
            MpiFamily.Mpich => mpich,
            _ => mpichFirst ? [.. mpich.Union(openMpi)] : [.. openMpi.Union(mpich)],
        };
    }
}
