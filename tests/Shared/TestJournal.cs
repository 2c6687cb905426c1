namespace MlNetFineTune.Tests;

/// <summary>
/// Which tests have begun and ended, written test by test beside the report. A report is written at the end, and so there is none when
/// native code takes the process down; the journal has been written to the operating system by then. <c>.ci/run</c> counts by it. A test
/// that runs tests in a process of its own gives them another folder.
/// </summary>
[TestClass]
public sealed class TestJournal
{
    /// <summary>The variable of the environment that names another folder.</summary>
    public const string Variable = "MLNETFINETUNE_JOURNAL";

    private static readonly Lazy<StreamWriter> s_lines = new(Create);

    [GlobalTestInitialize]
    public static void Begins(TestContext context) => Write($"began\t{NameOf(context)}");

    [GlobalTestCleanup]
    public static void Ends(TestContext context) => Write($"ended\t{NameOf(context)}\t{context.CurrentTestOutcome}");

    private static StreamWriter Create()
    {
        var chosen = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } other ? other
            : Path.Combine(AppContext.BaseDirectory, "TestResults");
        var folder = Directory.CreateDirectory(chosen).FullName;
        return new StreamWriter(Path.Combine(folder, $"{typeof(TestJournal).Assembly.GetName().Name}.journal")) { AutoFlush = true };
    }

    private static void Write(string line)
    {
        lock (s_lines)
            s_lines.Value.WriteLine(line);
    }

    // As --list-tests writes control characters, which a row of data may hold: as pictures of them, so that a line stays a line.
    private static string NameOf(TestContext context) =>
        $"{context.FullyQualifiedTestClassName}\t"
        + $"{string.Concat((context.TestDisplayName ?? context.TestName ?? "").Select(c => char.IsControl(c) ? (char)(0x2400 + c) : c))}";
}
