using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Primitives;

/// <summary>The free space of a folder is known, or null where the system refuses to say it.</summary>
[TestClass]
public sealed class DiskSpaceTests
{
    [TestMethod]
    public void AFolderOnADiskHasFreeBytes()
    {
        using var folder = new Folder();
        Assert.IsGreaterThan(0, DiskSpace.FreeBytes(folder.Path)!.Value);
    }

    [TestMethod]
    public void WhatNoDriveHasIsUnknown()
    {
        using var folder = new Folder();
        Assert.IsNull(DiskSpace.FreeBytes("a\0b"), "an ArgumentException, as for network shares of Windows");
        if (!OperatingSystem.IsWindows()) // where the root of the path is asked
            Assert.IsNull(DiskSpace.FreeBytes(folder.File("missing")), "a DriveNotFoundException");
    }
}
