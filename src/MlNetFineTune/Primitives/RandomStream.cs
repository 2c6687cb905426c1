using System.Text;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Primitives;

/// <summary>What random numbers are for. Streams of different purpose never share a number,
/// so adding a draw to one leaves the others alone.</summary>
internal readonly record struct RandomStream(uint Id)
{
    public static RandomStream Shuffle { get; } = new(1);

    public static RandomStream Split { get; } = new(2);

    public static RandomStream Augmentation { get; } = new(3);

    /// <summary>Which pictures of a batch are mixed, and how.</summary>
    public static RandomStream Mixing { get; } = new(4);

    /// <summary>What is erased of a picture.</summary>
    public static RandomStream Erasing { get; } = new(5);

    /// <summary>What a user's factory draws for the initial weights of its module.</summary>
    public static RandomStream ModuleWeights { get; } = new(16);

    /// <summary>What a user's module draws in training, such as dropout.</summary>
    public static RandomStream ModuleSteps { get; } = new(17);

    /// <summary>What a user's factory draws for the initial weights of layers in the place of a stage.</summary>
    public static RandomStream StageWeights { get; } = new(23);

    /// <summary>What adapters drop in a training step.</summary>
    public static RandomStream AdapterDropout { get; } = new(24);

    /// <summary>Which rows come in an epoch in which classes come equally often, and in which order.</summary>
    public static RandomStream BalancedSampling { get; } = new(25);

    /// <summary>Which rows are drawn for an interval of confidence.</summary>
    public static RandomStream Bootstrap { get; } = new(26);

    /// <summary>Which rows are scored together by a model that was fitted to the others.</summary>
    public static RandomStream Folds { get; } = new(27);

    /// <summary>Dropout of a text encoder in a training step.</summary>
    public static RandomStream TextDropout { get; } = new(40);

    /// <summary>Order of the batches of an epoch whose rows were grouped by length.</summary>
    public static RandomStream BatchOrder { get; } = new(41);

    /// <summary>Order of the rows of a class, and of all pairs, in an epoch of contrastive training.</summary>
    public static RandomStream Pairs { get; } = new(42);

    /// <summary>Which rows of other classes the rows of a class are paired with.</summary>
    public static RandomStream PairRounds { get; } = new(43);

    /// <summary>Which validation rows are kept for conformal prediction.</summary>
    public static RandomStream CalibrationRows { get; } = new(30);

    /// <summary>Which training rows a novelty score keeps.</summary>
    public static RandomStream NoveltySample { get; } = new(31);

    /// <summary>For the chains of one picture; the seed is drawn from <see cref="Augmentation"/>.</summary>
    public static RandomStream AugMix { get; } = new(6);

    /// <summary>The stream of the initial values of the tensor with this name.</summary>
    public static RandomStream WeightsOf(string tensorName)
    {
        // FNV-1a, with the top bit set: apart from the numbered purposes.
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes(tensorName))
            hash = (hash ^ b) * 16777619u;
        return new(hash | 0x8000_0000u);
    }
}
