namespace MlNetFineTune;

public sealed partial record Backbone
{
    /// <summary>By what channels are ranked when a network is pruned: those with the smallest go.</summary>
    internal enum PruningNorm
    {
        /// <summary>
        /// The sum of the absolute weights of the filter that makes the channel (Li et al. 2017, section 3.1,
        /// https://arxiv.org/abs/1608.08710); a depthwise filter behind it does not count.
        /// </summary>
        Filter,

        /// <summary>
        /// The absolute scale of the channel's BatchNorm, where a depthwise convolution follows added to that of its BatchNorm (Liu et al.
        /// 2017, https://arxiv.org/abs/1708.06519). A scale says more where training pulled scales towards zero, as that paper does with a
        /// penalty; here weight decay leaves them alone.
        /// </summary>
        BatchNormScale,
    }
}
