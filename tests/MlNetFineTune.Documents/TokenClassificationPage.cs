namespace MlNetFineTune.Documents;

/// <summary>Code of docs/token-classification.md.</summary>
internal static class TokenClassificationPage
{
    internal sealed class Entities
    {
        public string[] PredictedLabel { get; set; } = [];
        public int[] PredictedSpans { get; set; } = [];
        public string[] PredictedSpanTypes { get; set; } = [];

        public IReadOnlyList<EntitySpan> Spans => EntitySpan.From(PredictedSpans, PredictedSpanTypes);
    }
}
