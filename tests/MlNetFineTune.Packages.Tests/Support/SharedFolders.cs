namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>The folders that all tests share are deleted after the last one.</summary>
[TestClass]
public sealed class SharedFolders
{
    [AssemblyCleanup]
    public static void Delete()
    {
        Fresh.Delete();
        Packed.Delete();
    }
}
