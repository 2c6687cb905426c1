namespace PhotoDesk;

/// <summary>A training row.</summary>
internal sealed class LabelledRow
{
    public string Label { get; set; } = "";

    public byte[] Photo { get; set; } = [];

    /// <summary>Example weight.</summary>
    public float Weight { get; set; }
}

/// <summary>Input of a model.</summary>
internal sealed class PhotoRow
{
    public byte[] Photo { get; set; } = [];
}

/// <summary>Output of a model.</summary>
internal class ScoredRow
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];

    /// <summary>The reason why the picture could not be read; empty if it could.</summary>
    public string Status { get; set; } = "";
}

/// <summary>Output of a served model.</summary>
internal sealed class JudgedRow : ScoredRow
{
    public bool Rejected { get; set; }

    public long ModelId { get; set; }
}

/// <summary>Columns that the transform after a served model adds.</summary>
internal sealed class Verdict
{
    public bool Rejected { get; set; }

    public long ModelId { get; set; }
}

/// <summary>A model's prediction for a photo, with class names.</summary>
internal sealed record Opinion(long ModelId, string Label, IReadOnlyList<ClassProbability> Probabilities, bool Rejected);
