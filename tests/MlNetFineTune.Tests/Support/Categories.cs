namespace MlNetFineTune.Tests.Support;

/// <summary>Names for <see cref="TestCategoryAttribute"/>, so that a filter can leave a kind of test out.</summary>
internal static class Categories
{
    /// <summary>Needs an NVIDIA GPU; begins with <see cref="Cuda.RequireOrSkip"/>.</summary>
    public const string Gpu = "Gpu";

    /// <summary>Needs real pretrained weights; begins with <see cref="SharedData.RequireOrSkip"/>.</summary>
    public const string Weights = "Weights";

    /// <summary>Takes more than about ten seconds; what takes minutes begins with <see cref="Tests.Support.Slow.RequireOrSkip"/>.</summary>
    public const string Slow = "Slow";
}
