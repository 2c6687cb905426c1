using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Computes maps of encoded pictures, and pictures with heat. Shares the network with scorers and keeps it alive. Thread-safe.
/// </summary>
internal sealed class PictureExplainer : IBatchScorer, IDisposable
{
    private readonly NetworkScorer _scorer; // keeps the network alive; not used for scoring
    private readonly Collator _collator;

    /// <param name="model">The explained model. The caller keeps ownership.</param>
    /// <param name="input">The model's input, with the column of the explained pictures.</param>
    /// <param name="explanation">The method.</param>
    /// <exception cref="ArgumentException">The model does not support the explanation.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public PictureExplainer(FineTuningTransformer model, InputManifest input, Explanation explanation)
    {
        Explanation = explanation;
        Inputs = input.Create();
        if (input.FindPictures() is not { } pictures || Inputs.Pixels is not { } pixels)
        {
            throw new ArgumentException(
                "The model has no one column of pictures that flows through its network, and what is explained are pictures.");
        }
        (Pictures, Pixels) = (pictures.Create().Column, pixels);
        var output = ExplainedOutput.Of(model.Task, explanation);
        _scorer = model.Scorer.Share([Augmentation.None]);
        try
        {
            _collator = Inputs.CreateCollator(_scorer.Shared.Network.Device);
            Method = Read(network =>
            {
                InputGradient.PrepareNetwork(network);
                return Bind(network, explanation, output);
            });
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Explanation Explanation { get; }

    public HeatMapMethod Method { get; }

    /// <summary>Input of the network.</summary>
    public ModelInput Inputs { get; }

    /// <summary>The column of the explained pictures.</summary>
    public ImageColumn Pictures { get; }

    public PictureForm Pixels { get; }

    public SharedNetwork Network => _scorer.Shared;

    /// <summary>Number of pictures in a batch.</summary>
    public int BatchSize => Math.Max(Method.BatchOf(Inputs.ScoringBatch(_scorer.IsOnGpu)), 1);

    public int ScoreLength => Method.Height * Method.Width;

    public string Missing => "explanations are missing (no picture, and NaN in the map)";

    public void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        var bytes = rows[..(count * Inputs.Length)].ToArray(); // a span is not captured
        MapsOf(bytes, count).CopyTo(scores);
    }

    /// <summary>The maps of encoded pictures, [count, <see cref="ScoreLength"/>].</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public float[] MapsOf(byte[] rows, int count) => Read(network =>
    {
        using var inputs = _collator.Collate(rows, count);
        using var maps = Method.MapsOf(network, inputs);
        return maps.cpu().to_type(ScalarType.Float32).contiguous().data<float>().ToArray();
    });

    /// <summary>A picture with heat; null if it cannot be read. The caller disposes it.</summary>
    public MLImage? Draw(Picture picture, ReadOnlySpan<float> map)
    {
        if (UprightPicture.Of(picture) is not { } upright)
            return null;
        HeatPicture.Draw(upright, Pixels.Preprocessing, Method, map, Explanation.Strength);
        return HeatPicture.ToImage(upright);
    }

    /// <summary>Creates the reader for the rows of a cursor.</summary>
    /// <param name="host">Host for exceptions.</param>
    /// <param name="row">Row of the cursor.</param>
    /// <param name="capacity">Number of rows stored at once.</param>
    /// <param name="draws">Whether heat is drawn.</param>
    public EncodedBatch CreateBatch(IHost host, DataViewRow row, int capacity, bool draws)
    {
        var rows = Inputs.Read(host, row, capacity);
        try
        {
            var pictures = draws ? Pictures.CreateReader(row, row.Schema[Pictures.Column]) : null;
            return new EncodedBatch(new ExplainedRowReader(rows, pictures, capacity), _scorer.Views, capacity);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _scorer.Dispose(); // waits for explanations in progress
        _collator?.Dispose();
    }

    /// <summary>
    /// Runs a function on the network outside the caller's inference mode, whose tensors have no gradients.
    /// </summary>
    public T Read<T>(Func<FineTunedNetwork, T> read)
    {
        T result = default!;
        _scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var ordinary = inference_mode(false);
            using var noGradients = no_grad();
            result = read(network);
        });
        return result;
    }

    private HeatMapMethod Bind(FineTunedNetwork network, Explanation explanation, ExplainedOutput output)
    {
        using var probe = _collator.Collate(Inputs.ProbeSample(), 1);
        return explanation.Bind(network, Pixels, probe, output);
    }
}
