namespace MlNetFineTune.Examination;

/// <summary>
/// Likely label errors by confident learning (Northcutt, Jiang and Chuang 2021, https://arxiv.org/abs/1911.00068): the threshold of a class
/// is its mean probability over the rows with this label; a row is confidently of a class if the class reaches its threshold, and of the
/// most probable one if several do. A row whose confident class is not its label is an off-diagonal count of the confident joint, and a
/// likely label error.
/// </summary>
internal static class ConfidentLearning
{
    /// <param name="probabilities">Out-of-fold probabilities, [rows, classes].</param>
    /// <param name="labels">Label of each row, from 0; each class has at least one row.</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>For each row the confident class if it is not the label; otherwise -1.</returns>
    public static int[] SuggestedLabels(ReadOnlySpan<float> probabilities, int[] labels, int classes)
    {
        var thresholds = new double[classes];
        var counts = new int[classes];
        for (var row = 0; row < labels.Length; row++)
        {
            thresholds[labels[row]] += probabilities[row * classes + labels[row]];
            counts[labels[row]]++;
        }
        for (var c = 0; c < classes; c++)
            thresholds[c] /= counts[c];
        var suggested = new int[labels.Length];
        for (var row = 0; row < labels.Length; row++)
        {
            var confident = -1;
            for (var c = 0; c < classes; c++)
            {
                var probability = probabilities[row * classes + c];
                if (probability >= thresholds[c] && (confident < 0 || probability > probabilities[row * classes + confident]))
                    confident = c;
            }
            suggested[row] = confident == labels[row] ? -1 : confident;
        }
        return suggested;
    }
}
