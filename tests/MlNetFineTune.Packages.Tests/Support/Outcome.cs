using System.Globalization;

namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>What a program of <c>Fresh</c> printed: lines of a name and of what it has.</summary>
internal sealed class Outcome(string printed)
{
    /// <summary>What follows the name at the beginning of a line.</summary>
    public string this[string name] => printed.Split('\n').Select(line => line.Trim())
        .FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..]
        ?? throw new AssertFailedException($"No line begins with '{name}':\n{printed}");

    /// <summary>Scores of each picture.</summary>
    public float[][] Scores(string name) => [.. this[name].Split('|')
        .Select(row => row.Split(' ').Select(score => float.Parse(score, CultureInfo.InvariantCulture)).ToArray())];

    public static void AssertClose(float[][] expected, float[][] actual, float tolerance, string what)
    {
        Assert.HasCount(expected.Length, actual, what);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.HasCount(expected[i].Length, actual[i], what);
            for (var c = 0; c < expected[i].Length; c++)
                Assert.AreEqual(expected[i][c], actual[i][c], tolerance, $"{what}: picture {i}, class {c}");
        }
    }
}
