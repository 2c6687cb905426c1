using System.Text.Json;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>Reference numbers, written by tools/reference; never rewritten to make a test pass.</summary>
internal static class Fixture
{
    public static JsonElement Read(string name)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", name)));
        return document.RootElement.Clone();
    }

    /// <summary>All numbers of a list, also of lists in lists, in order.</summary>
    public static double[] Numbers(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray().SelectMany(Numbers)] : [element.GetDouble()];

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    /// <summary>All values in row-major order.</summary>
    public static double[] Values(this Tensor tensor)
    {
        using var scope = NewDisposeScope();
        if (tensor.numel() == 0)
            return []; // TorchSharp's accessor fails on it.
        return tensor.detach().cpu().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    /// <summary>Whether <see cref="AreClose"/> would pass.</summary>
    public static bool IsClose(IReadOnlyList<double> expected, IReadOnlyList<double> actual, double tolerance) =>
        actual.Count >= expected.Count
            && expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance * Math.Max(1, Math.Abs(pair.First)));

    /// <summary>Compares as many values as are expected; the tolerance is absolute below 1 and relative above.</summary>
    public static void AreClose(IReadOnlyList<double> expected, IReadOnlyList<double> actual, double tolerance, string what)
    {
        Assert.IsGreaterThanOrEqualTo(expected.Count, actual.Count, what);
        for (var i = 0; i < expected.Count; i++)
        {
            if (!(Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i]))))
                Assert.Fail($"{what}[{i}] is {actual[i]:R}, expected {expected[i]:R} within {tolerance:R}.");
        }
    }
}
