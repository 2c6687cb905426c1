using System.Text.RegularExpressions;

namespace MlNetFineTune.Backbones;

/// <summary>
/// RegNetY (Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678): networks from one design space, whose widths and depths follow a line of few
/// numbers; bottlenecks without bottleneck, in groups, with squeeze-and-excitation. torchvision's names; timm's load as well.
/// </summary>
internal sealed partial class RegNet : BackboneNetwork
{
    // Megaflops -> width of a group, depth and width of each stage: the paper's table 9, with torchvision's rounding of widths to groups.
    private static readonly (int Megaflops, string Name, string InTimm, int GroupWidth, int[] Depths, int[] Widths)[] s_members =
    [
        (400, "regnet_y_400mf", 8, [1, 3, 6, 6], [48, 104, 208, 440]),
    ];
}
