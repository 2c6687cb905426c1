namespace PhotoDesk;

/// <summary>What a model learns from.</summary>
internal sealed class LabelledRow
{
    public string Label { get; set; } = "";

    public byte[] Photo { get; set; } = [];

    /// <summary>How much it counts.</summary>
    public float Weight { get; set; }
}

/// <summary>What a model is asked.</summary>
internal sealed class PhotoRow
{
    public byte[] Photo { get; set; } = [];
}

/// <summary>What a model answers.</summary>
internal class ScoredRow
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];

    /// <summary>Why the picture could not be read; empty where it could.</summary>
    public string Status { get; set; } = "";
}

/// <summary>And what a model in service adds.</summary>
internal sealed class JudgedRow : ScoredRow
{
    public bool Rejected { get; set; }

    public long ModelId { get; set; }
}

/// <summary>What the transform behind a model in service makes of its answer.</summary>
internal sealed class Verdict
{
    public bool Rejected { get; set; }

    public long ModelId { get; set; }
}

/// <summary>What a model thinks of a photo, with the class names.</summary>
internal sealed record Opinion(long ModelId, string Label, IReadOnlyList<ClassProbability> Probabilities, bool Rejected);
