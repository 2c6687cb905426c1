using Microsoft.ML.Data;

namespace MlNetFineTune.Tasks;

internal static class Scores
{
    /// <summary>Overwrites ML.NET's vector.</summary>
    public static void Copy(ReadOnlySpan<float> scores, ref VBuffer<float> value)
    {
        var editor = VBufferEditor.Create(ref value, scores.Length);
        scores.CopyTo(editor.Values);
        value = editor.Commit();
    }
}
