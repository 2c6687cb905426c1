using Microsoft.ML.Data;

namespace MlNetFineTune.Tasks;

internal static class Scores
{
    /// <summary>Fills ML.NET's vector anew, whatever it held.</summary>
    public static void Copy(ReadOnlySpan<float> scores, ref VBuffer<float> value)
    {
        var editor = VBufferEditor.Create(ref value, scores.Length);
        scores.CopyTo(editor.Values);
        value = editor.Commit();
    }
}
