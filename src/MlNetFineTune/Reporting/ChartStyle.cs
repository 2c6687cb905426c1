namespace MlNetFineTune.Reporting;

/// <summary>The style rules of <see cref="SvgChart"/>, shared by the report page and separate SVG files.</summary>
/// <param name="Ink">Colour of titles. All colours are CSS values.</param>
/// <param name="Soft">Colour of labels and guides.</param>
/// <param name="Rule">Colour of grid lines.</param>
/// <param name="First">Colour of the first series.</param>
/// <param name="Second">Colour of the second series.</param>
internal sealed record ChartStyle(string Ink, string Soft, string Rule, string First, string Second)
{
    /// <summary>For light backgrounds.</summary>
    public static ChartStyle Light { get; } = new(Ink: "#1d2024", Soft: "#636a73", Rule: "#e3e4e6", First: "#2f6bd0", Second: "#c2620a");

    /// <summary>For dark backgrounds.</summary>
    public static ChartStyle Dark { get; } = new(Ink: "#e8e9ea", Soft: "#9aa2ab", Rule: "#32363c", First: "#7fabff", Second: "#f2a54a");

    /// <summary>Refers to the variables that <see cref="Variables"/> sets.</summary>
    public static ChartStyle FromVariables { get; } = new("var(--ink)", "var(--soft)", "var(--rule)", "var(--first)", "var(--second)");

    public Markup Variables => $"--ink:{Ink};--soft:{Soft};--rule:{Rule};--first:{First};--second:{Second}";

    public Markup Rules => $$"""
        svg text{font-size:11px;fill:{{Soft}};font-variant-numeric:tabular-nums}
        svg line.grid{stroke:{{Rule}}}svg line.mark{stroke:{{Soft}};stroke-dasharray:2 3}
        svg path{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        svg path.first{stroke:{{First}}}svg path.second{stroke:{{Second}}}svg path.faint{stroke:{{Soft}};stroke-width:1;opacity:.45}
        svg path.guide{stroke:{{Soft}};stroke-width:1.5}
        svg circle.first{fill:{{First}}}svg circle.second{fill:{{Second}}}svg circle.dots{fill:{{First}};opacity:.55}
        """;
}
