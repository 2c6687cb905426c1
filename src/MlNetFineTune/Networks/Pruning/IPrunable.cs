namespace MlNetFineTune.Networks;

/// <summary>A block with channels that do not leave it, each of which can be removed without the others.</summary>
internal interface IPrunable
{
    /// <summary>These channels, by the convolution that makes them.</summary>
    IEnumerable<ChannelGroup> InnerChannels { get; }
}
