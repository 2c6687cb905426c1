using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Examination;

/// <summary>
/// Multinomial logistic regression with an L2 penalty, fitted to several subsets of the same rows. Each step multiplies the gradient by the
/// inverse of a fixed upper bound of the Hessian, X'X / 2 (Böhning 1992, "Multinomial logistic regression algorithm",
/// https://doi.org/10.1007/BF00048682), which needs one matrix inverse for each subset and no step size; Nesterov's momentum, restarted
/// when the gradient opposes it (O'Donoghue and Candès 2015, https://arxiv.org/abs/1204.3982), makes the steps fewer. No random numbers.
/// </summary>
internal sealed class SoftmaxRegression : IDisposable
{
    private const int MostSteps = 200;
    private const double SmallestGradient = 1e-5;
    private const double PenaltyOfIntercept = 1e-6; // only so that the bound has an inverse

    private readonly double _penalty;
    private readonly Tensor _inputs; // [N, D + 1], with a last column of ones
    private readonly Tensor _targets; // [N, K], one 1 in each row
    private readonly Tensor _products; // [D + 1, D + 1]: X'X

    /// <param name="inputs">Values of all rows, [N, D + 1], with a last column of ones. Ownership is transferred.</param>
    /// <param name="labels">Class of each row, from 0.</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <param name="penalty">Factor of half the squared weights beside the mean loss of a row. Above 0.</param>
    public SoftmaxRegression(Tensor inputs, int[] labels, int classes, double penalty)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        (_inputs, _penalty) = (inputs, penalty);
        var hot = new float[labels.Length * classes];
        for (var row = 0; row < labels.Length; row++)
            hot[row * classes + labels[row]] = 1;
        _targets = tensor(hot, [labels.Length, classes], ScalarType.Float32, inputs.device).MoveToOuterDisposeScope();
        _products = inputs.t().matmul(inputs).MoveToOuterDisposeScope();
    }

    /// <summary>Fits the rows that are not held out, and scores those that are.</summary>
    /// <param name="heldOut">Indices of rows; others remain.</param>
    /// <param name="cancellation">Cancels between two steps.</param>
    /// <returns>Probabilities, [held-out rows, K].</returns>
    public float[] ScoreHeldOut(int[] heldOut, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var device = _inputs.device;
        var count = _inputs.shape[0] - heldOut.Length;
        var held = _inputs.index_select(0, tensor(Array.ConvertAll(heldOut, row => (long)row), ScalarType.Int64, device)); // [H, D + 1]
        var share = new float[_inputs.shape[0]]; // of a row in the mean loss
        Array.Fill(share, 1f / count);
        foreach (var row in heldOut)
            share[row] = 0;
        var shares = tensor(share, [share.Length, 1], ScalarType.Float32, device);
        var penalties = new double[_inputs.shape[1]];
        Array.Fill(penalties, _penalty);
        penalties[^1] = PenaltyOfIntercept;
        var penalty = tensor(penalties, ScalarType.Float64, device); // [D + 1]
        var bound = _products.Add(held.t().matmul(held), -1).to(ScalarType.Float64).Mul(0.5 / count).Add(penalty.diag());
        var inverse = linalg.inv(bound).to(ScalarType.Float32); // [D + 1, D + 1]
        var weights = Fit(shares, penalty.to(ScalarType.Float32).unsqueeze(1), inverse, cancellation);
        return Values(held.matmul(weights).softmax(1));
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _targets.Dispose();
        _products.Dispose();
    }

    // Returns [D + 1, K].
    private Tensor Fit(Tensor shares, Tensor penalties, Tensor inverse, CancellationToken cancellation)
    {
        var current = zeros([_inputs.shape[1], _targets.shape[1]], ScalarType.Float32, _inputs.device);
        var ahead = current.clone();
        var momentum = 1d;
        for (var step = 0; step < MostSteps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var errors = _inputs.matmul(ahead).softmax(1).Add(_targets, -1).mul(shares); // [N, K]
            var gradient = _inputs.t().matmul(errors).Add(ahead.mul(penalties)); // [D + 1, K]
            var next = ahead.Add(inverse.matmul(gradient), -1);
            var change = next.Add(current, -1);
            if (gradient.mul(change).sum().item<float>() > 0)
                momentum = 1;
            var following = (1 + Math.Sqrt(1 + 4 * momentum * momentum)) / 2;
            var extrapolated = next.Add(change, (momentum - 1) / following);
            var isDone = gradient.abs().max().item<float>() < SmallestGradient;
            (momentum, var before, var beforeAhead) = (following, current, ahead);
            (current, ahead) = (next.MoveToOuterDisposeScope(), extrapolated.MoveToOuterDisposeScope());
            before.Dispose();
            beforeAhead.Dispose();
            if (isDone)
                break;
        }
        return current;
    }

    private static float[] Values(Tensor tensor)
    {
        using var values = tensor.cpu().contiguous();
        return values.data<float>().ToArray();
    }
}
