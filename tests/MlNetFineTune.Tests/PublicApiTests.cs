using System.Reflection;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

[TestClass]
public sealed class PublicApiTests
{
    private static readonly Assembly Library = typeof(TorchRuntime).Assembly;

    [TestMethod]
    public void ThePublicApiIsTheApprovedOne()
    {
        var folder = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests");
        var approvedPath = Path.Combine(folder, "PublicApi.approved.txt");
        var receivedPath = Path.Combine(folder, "PublicApi.received.txt");
        var approved = File.Exists(approvedPath) ? File.ReadAllText(approvedPath).ReplaceLineEndings("\n") : "";

        var received = PublicApi.Describe(Library);

        if (received == approved)
        {
            File.Delete(receivedPath);
            return;
        }

        File.WriteAllText(receivedPath, received);
        var before = approved.Split('\n').ToHashSet();
        var after = received.Split('\n').ToHashSet();
        var changes = before.Except(after).Select(line => "- " + line.Trim()).Concat(after.Except(before).Select(line => "+ " + line.Trim()));
        Assert.Fail($"The public API has changed:\n{string.Join("\n", changes)}\nIf that is meant, replace PublicApi.approved.txt by PublicApi.received.txt beside it.");
    }

    [TestMethod]
    public void NoPublicSignatureNeedsATypeThatMlNetKeepsInternal()
    {
        // The compiler cannot see it: it reads copies of ML.NET in which everything is public.
        var hidden = PublicApi.TypesIn(Library).Where(found => !found.Type.IsVisible).Select(found => $"{found.Where} uses {found.Type.FullName}").Distinct().ToList();

        if (hidden.Count > 0)
            Assert.Fail(string.Join("\n", hidden));
    }
}
