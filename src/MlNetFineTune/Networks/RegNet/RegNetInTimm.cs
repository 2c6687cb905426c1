using System.Globalization;
using System.Text.RegularExpressions;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>timm's names for RegNetY's tensors: <c>s2.b1.conv3.bn.weight</c> is <c>trunk_output.block2.block2-0.f.c.1.weight</c>.</summary>
internal static partial class RegNetInTimm
{
    public static NameMap Names { get; } = new("timm", ToOurs);

    public static string NameOf(int megaflops) => string.Create(CultureInfo.InvariantCulture, $"regnety_{megaflops / 100:000}");

    private static string ToOurs(string name)
    {
        if (name.StartsWith("head.fc.", StringComparison.Ordinal))
            return name["head.".Length..];
        return Layer().Replace(name, found =>
        {
            var number = found.Groups["part"].Value switch { "conv" => ".0", "bn" => ".1", _ => "" };
            if (found.Groups["stage"] is not { Success: true } stage)
                return $"stem{number}";
            var block = int.Parse(found.Groups["block"].ValueSpan, CultureInfo.InvariantCulture) - 1; // timm counts from 1
            var layer = found.Groups["layer"].Value switch
            {
                "conv1" => "f.a",
                "conv2" => "f.b",
                "conv3" => "f.c",
                "downsample" => "proj",
                var gate => $"f.{gate}"
            };
            return $"trunk_output.block{stage}.block{stage}-{block}.{layer}{number}";
        });
    }

    // Three digits are more blocks than any stage has, and safe to read from an untrusted file.
    [GeneratedRegex(
        @"^(stem|s(?<stage>[1-4])\.b(?<block>[0-9]{1,3})\."
        + @"((?<layer>conv[123]|downsample)|(?<layer>se)(?=\.fc)))(\.(?<part>conv|bn))?(?=\.)",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Layer();
}
