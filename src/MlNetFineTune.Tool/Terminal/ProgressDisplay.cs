using System.Diagnostics;
using Spectre.Console;

namespace MlNetFineTune.Tool;

/// <summary>Progress of a long piece of work: a bar in a terminal, otherwise a line every few seconds. Thread-safe.</summary>
internal sealed class ProgressDisplay
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);
    private readonly ProgressTask? _bar;
    private readonly Lock _lines = new();
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();

    private ProgressDisplay(ProgressTask? bar) => _bar = bar;

    /// <summary>Shows progress while it works.</summary>
    /// <param name="title">What is shown before the first report.</param>
    /// <param name="work">The work, which reports to the display.</param>
    public static T While<T>(string title, Func<ProgressDisplay, T> work)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || !AnsiConsole.Profile.Out.IsTerminal)
            return work(new ProgressDisplay(bar: null));
        return AnsiConsole.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context => work(new ProgressDisplay(context.AddTask(Markup.Escape(title), maxValue: 1))));
    }

    /// <param name="share">The share that is done, 0 to 1.</param>
    /// <param name="text">What is being done.</param>
    public void Show(double share, string text)
    {
        if (_bar is not null)
        {
            _bar.Value = share;
            _bar.Description = Markup.Escape(text);
            return;
        }
        lock (_lines)
        {
            if (_sinceLine.Elapsed <= BetweenLines)
                return;
            _sinceLine.Restart();
            Screen.Line($"  {share,4:P0} {text}");
        }
    }

    /// <summary>A line that stays: above the bar.</summary>
    public void WriteLine(string text)
    {
        if (_bar is null)
            Screen.Line(text);
        else
            AnsiConsole.WriteLine(text);
    }
}
