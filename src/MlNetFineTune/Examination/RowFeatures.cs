using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Search;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace MlNetFineTune.Examination;

/// <summary>
/// Features of a frozen network for the usable rows: minus their mean and of length 1. The mean is what all pictures of a data set have in
/// common; without it, cosines of unrelated photos are far above 0, by how much depends on the network.
/// </summary>
internal sealed class RowFeatures
{
    // Among few rows the mean is mostly the rows themselves: of two rows the vectors would be opposite, however alike.
    private const int FewestForMean = 20;

    private const string Column = "MlNetFineTune.Examination.Features";

    private RowFeatures(UnitVectors vectors, int dimension, int[] rows) => (Vectors, Dimension, Rows) = (vectors, dimension, rows);

    /// <summary>A vector for each of <see cref="Rows"/>.</summary>
    public UnitVectors Vectors { get; }

    public int Dimension { get; }

    /// <summary>The rows that have features, in ascending order.</summary>
    public int[] Rows { get; }

    /// <summary>Computes the features in one pass over each split.</summary>
    /// <param name="context">The context.</param>
    /// <param name="splits">Training data and test data.</param>
    /// <param name="options">The options.</param>
    /// <param name="isUsable">Whether a row, counted over both splits, is to have features.</param>
    /// <param name="advance">Called after each row.</param>
    public static RowFeatures Compute(
        MLContext context, IReadOnlyList<IDataView> splits, ExaminationOptions options, Func<int, bool> isUsable, Action advance)
    {
        using var network = new ImageFeaturesEstimator(context, Column, options.ImageColumnName, options.Backbone,
            new ImageFeatureOptions
            {
                FeatureCache = options.FeatureCache,
                ImageFolder = options.ImageFolder,
                RawPixels = options.RawPixels,
            }, probe: null).Fit(splits[0]);
        var vectors = new UnitVectors(network.FeatureCount);
        var (rows, row) = (new List<int>(), 0);
        foreach (var split in splits)
        {
            var view = network.Transform(split);
            var column = view.Schema[Column];
            using var cursor = view.GetRowCursor([column]);
            var features = new VectorColumn<float>(cursor, column);
            var unit = new float[network.FeatureCount];
            for (; cursor.MoveNext(); row++)
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                if (isUsable(row) && UnitVectors.TryNormalize(features.Next(), unit))
                {
                    unit.CopyTo(vectors.Append());
                    rows.Add(row);
                }
                advance();
            }
        }
        if (rows.Count >= FewestForMean)
            SubtractMean(vectors, network.FeatureCount);
        return new RowFeatures(vectors, network.FeatureCount, [.. rows]);
    }

    /// <summary>Copies vectors for a linear model: [places, dimension + 1], with a last column of ones. The caller disposes it.</summary>
    /// <param name="places">Indices of vectors.</param>
    public Tensor WithOnes(IReadOnlyList<int> places)
    {
        var inputs = ones([places.Count, Dimension + 1], ScalarType.Float32);
        for (var i = 0; i < places.Count; i++)
        {
            using var row = inputs[i];
            using var features = row.narrow(0, 0, Dimension);
            Vectors[places[i]].CopyTo(MemoryMarshal.Cast<byte, float>(features.bytes));
        }
        return inputs;
    }

    private static void SubtractMean(UnitVectors vectors, int dimension)
    {
        var sum = new double[dimension];
        for (var row = 0; row < vectors.Count; row++)
        {
            var vector = vectors[row];
            for (var i = 0; i < dimension; i++)
                sum[i] += vector[i];
        }
        float[] mean = [.. sum.Select(total => (float)(total / vectors.Count))];
        for (var row = 0; row < vectors.Count; row++)
        {
            var vector = vectors[row];
            TensorPrimitives.Subtract(vector, mean, vector);
            if (!UnitVectors.TryNormalize(vector, vector))
                vector.Clear(); // exactly the mean: similar to nothing
        }
    }
}
