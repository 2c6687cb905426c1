using System.Globalization;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>Findings about the numbers of rows of the classes and about their order.</summary>
internal static class ClassFindings
{
    // A random order has this ratio 1 with a standard deviation of about 1 / sqrt(changes). Rows of random order with fewer than half of
    // the expected changes, of which there are at least 16, are less probable than 1 in 10,000.
    private const double MostChangesOfSorted = 0.5;
    private const double FewestExpectedChanges = 16;

    public static IEnumerable<Finding> Of(ExaminedRows rows, ExaminationOptions options)
    {
        if (rows.Classes.Count == 0)
            return [];
        var hasTest = rows.Count > rows.TrainCount;
        var (train, test) = (Counts(rows, 0, rows.TrainCount), Counts(rows, rows.TrainCount, rows.Count));
        var findings = new List<Finding>();
        foreach (var (place, name) in rows.Classes.Index())
        {
            var quoted = SafeText.Quoted(name);
            if (hasTest && train[place] == 0)
            {
                findings.Add(About(FindingKind.OnlyInOneSplit, inTest: true, test[place],
                    $"The {test[place]} rows of class {quoted} are all in the test data: no model can learn the class. Add training rows "
                    + "of it, or leave it out of the test."));
            }
            else if (hasTest && test[place] == 0)
            {
                findings.Add(About(FindingKind.OnlyInOneSplit, inTest: false, train[place],
                    $"The {train[place]} rows of class {quoted} are all in the training data: the test says nothing about the class. Move "
                    + "some of them, before training."));
            }
            if (train[place] > 0 && train[place] < options.FewestRows)
            {
                findings.Add(About(FindingKind.FewRows, inTest: false, train[place],
                    $"Class {quoted} has {train[place]} training rows, fewer than {options.FewestRows}: add more, or merge it with a class "
                    + "like it."));
            }
        }
        int[] present = [.. train.Where(count => count > 0)];
        if (present.Length > 1 && (double)present.Max() / present.Min() is var ratio && ratio > options.GreatestImbalance)
        {
            var (largest, smallest) = (Array.IndexOf(train, present.Max()), Array.IndexOf(train, present.Min()));
            findings.Add(About(FindingKind.Imbalance, inTest: false, (float)ratio,
                $"Class {SafeText.Quoted(rows.Classes[largest])} has {present.Max()} training rows and class "
                + $"{SafeText.Quoted(rows.Classes[smallest])} has {present.Min()}: try ClassWeights.Balanced or Sampling.Balanced, and "
                + "judge by the F1 score of each class rather than by accuracy."));
        }
        findings.AddRange(Sorted(rows, 0, rows.TrainCount, inTest: false));
        findings.AddRange(Sorted(rows, rows.TrainCount, rows.Count, inTest: true));
        return findings;
    }

    /// <summary>Number of rows of each class in a range of rows.</summary>
    public static int[] Counts(ExaminedRows rows, int begin, int end)
    {
        var counts = new int[rows.Classes.Count];
        foreach (var label in rows.ClassOf.AsSpan(begin..end))
        {
            if (label >= 0)
                counts[label]++;
        }
        return counts;
    }

    // The number of runs of equal labels, after Wald and Wolfowitz 1940. In a random order, neighbours differ with probability
    // 1 - sum over classes of n (n - 1) / (N (N - 1)).
    private static IEnumerable<Finding> Sorted(ExaminedRows rows, int begin, int end, bool inTest)
    {
        int[] labels = [.. rows.ClassOf[begin..end].Where(label => label >= 0)];
        var pairs = (double)labels.Length * (labels.Length - 1);
        var equal = labels.CountBy(label => label).Sum(same => (double)same.Value * (same.Value - 1));
        var expected = pairs > 0 ? (labels.Length - 1) * (1 - equal / pairs) : 0;
        var changes = labels.Zip(labels.Skip(1)).Count(pair => pair.First != pair.Second);
        if (expected < FewestExpectedChanges || changes >= MostChangesOfSorted * expected)
            return [];
        return
        [
            About(FindingKind.SortedByLabel, inTest, (float)(changes / expected), string.Create(CultureInfo.InvariantCulture,
                $"The label changes {changes} times from row to row, and in a random order it would {expected:0} times. FineTuneImages "
                + $"shuffles; TakeRows, SkipRows and trainers that do not shuffle see only a part of the classes: use "
                + $"ml.Data.ShuffleRows.")),
        ];
    }

    private static Finding About(FindingKind kind, bool inTest, float score, string advice) =>
        new() { Kind = kind, InTest = inTest, Score = score, Advice = advice };
}
