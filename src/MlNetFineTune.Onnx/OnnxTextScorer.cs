using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Onnx;

/// <summary>Computes the outputs of a text network for encoded rows, in groups of similar length. Thread-safe.</summary>
internal sealed class OnnxTextScorer : IBatchScorer, IDisposable
{
    private readonly IReadOnlyList<OnnxTextOutput> _outputs;
    private readonly string[] _names;
    private readonly TemporaryFile _file;
    private readonly InferenceSession _session;
    private readonly RunOptions _options;
    private readonly int _padding;
    private readonly bool _hasSegments;
    private readonly DisposalGuard _guard = new(
        nameof(OnnxTextTransformer), "The chain that ToOnnxPipeline made was disposed; make or load it again, or dispose it later.");

    /// <param name="env">Environment with the options of sessions.</param>
    /// <param name="texts">Input of the network.</param>
    /// <param name="outputs">Outputs of the network in their order.</param>
    /// <param name="file">The network. Disposed with this scorer, but not if this constructor throws.</param>
    /// <exception cref="ArgumentException">The network has other inputs or outputs.</exception>
    public OnnxTextScorer(IHostEnvironment env, TextInput texts, IReadOnlyList<OnnxTextOutput> outputs, TemporaryFile file)
    {
        (_outputs, _file) = (outputs, file);
        _names = [.. outputs.Select(output => output.Name)];
        (_padding, _hasSegments) = (texts.Tokenizer.Specials.Padding, texts.Tokens.HasSegments == true);
        ScoreLength = outputs.Sum(output => output.Length);
        _session = OnnxSessions.Open(env, file.Path);
        string[] inputs = [TextInputNames.Tokens, TextInputNames.Mask, .. _hasSegments ? [TextInputNames.Segments] : (string[])[]];
        if (!_session.InputNames.ToHashSet().SetEquals(inputs)
            || _session.InputMetadata.Values.Any(input => input.ElementType != typeof(long))
            || outputs.Any(output => !IsOutput(output, _session.OutputMetadata)))
        {
            _session.Dispose();
            throw new ArgumentException("its network has other inputs or outputs");
        }
        _options = new RunOptions();
    }

    public int ScoreLength { get; }

    public string Missing => "scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics";

    public void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        using var lease = _guard.Use();
        var stride = rows.Length / count;
        var steps = new int[count];
        for (var row = 0; row < count; row++)
            steps[row] = TokenRows.CountOf(rows[(row * stride)..]);
        if (LengthGroups.Of(steps, stride) is { } groups)
            groups.Score(rows, scores, ScoreLength, ScoreTogether);
        else
            ScoreTogether(rows, count, scores);
    }

    /// <summary>Runs an action on the path of the network's file, which is not deleted meanwhile.</summary>
    public void Read(Action<string> action)
    {
        using var lease = _guard.Use();
        action(_file.Path);
    }

    public void Dispose() => _guard.Dispose(() =>
    {
        _session.Dispose();
        _options.Dispose();
        _file.Dispose();
    });

    // [batch, length] floats.
    private static bool IsOutput(OnnxTextOutput output, IReadOnlyDictionary<string, NodeMetadata> ofNetwork) =>
        ofNetwork.TryGetValue(output.Name, out var found) && found.ElementType == typeof(float)
            && found.Dimensions is [_, var length] && length == output.Length;

    // In one run.
    private void ScoreTogether(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        var tokens = PaddedTokens.Of(rows, count, rows.Length / count, _padding, _hasSegments);
        var inputs = new Dictionary<string, OrtValue>();
        try
        {
            Add(TextInputNames.Tokens, tokens.Ids);
            Add(TextInputNames.Mask, Array.ConvertAll(tokens.Mask, isToken => isToken ? 1L : 0));
            if (_hasSegments)
                Add(TextInputNames.Segments, tokens.Segments);
            using var results = _session.Run(_options, inputs, _names);
            var offset = 0;
            foreach (var (result, output) in results.Zip(_outputs))
            {
                var values = result.GetTensorDataAsSpan<float>(); // [count, length]
                for (var row = 0; row < count; row++)
                    values.Slice(row * output.Length, output.Length).CopyTo(scores[(row * ScoreLength + offset)..]);
                offset += output.Length;
            }
        }
        finally
        {
            foreach (var value in inputs.Values)
                value.Dispose();
        }

        void Add(string name, long[] values) =>
            inputs.Add(name, OrtValue.CreateTensorValueFromMemory(values, [count, tokens.Longest]));
    }
}
