using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Onnx;

/// <summary>
/// A trial of an engine before it is used: its values and its time beside those of libtorch, on the same rows.
/// </summary>
internal static class EngineTrial
{
    /// <summary>Largest difference between two engines, relative to values above 1.</summary>
    public const float Tolerance = 1e-4f;

    /// <summary>Number of rows: enough to keep several threads busy.</summary>
    public const int Rows = 4;

    // Until the engine has been faster: on a machine with other work single measurements are off by several times.
    private const int MostRounds = 8;

    // Lets two rows of pictures differ by a shift.
    private const int ShiftBytes = 3 * 1009;

    /// <summary>
    /// Encoded rows for a trial, from the probe of the input: pictures differ by a shift, and texts in length, so that there is padding.
    /// Rows of numbers, and pictures with a table beside them, are equal.
    /// </summary>
    public static byte[] RowsOf(ModelInput input)
    {
        var probe = input.ProbeSample();
        if (input is not ImageInput)
            return [.. Enumerable.Range(0, Rows).SelectMany(row => input.ProbeSample(row))];
        var rows = Probe.Repeat(probe, Rows);
        for (var row = 1; row < Rows; row++)
        {
            var shift = row * ShiftBytes % probe.Length;
            probe.AsSpan(shift).CopyTo(rows.AsSpan(row * probe.Length));
            probe.AsSpan(0, shift).CopyTo(rows.AsSpan((row + 1) * probe.Length - shift));
        }
        return rows;
    }

    /// <summary>Compares an engine with libtorch. An engine whose runs fail is refused.</summary>
    /// <param name="libTorch">Computes values with libtorch.</param>
    /// <param name="engine">Computes the same values with the engine.</param>
    /// <param name="isRelative">Whether differences are relative to the largest value, as those of features.</param>
    /// <param name="mustBeFaster">Whether the engine is refused where it takes more time.</param>
    /// <param name="seconds">Measures the time of an action; null for the clock. For tests.</param>
    public static Verdict Run(
        Func<float[]> libTorch, Func<float[]> engine, bool isRelative, bool mustBeFaster, Func<string, Action, double>? seconds = null)
    {
        try
        {
            return Compare(libTorch, engine, isRelative, mustBeFaster, seconds ?? SecondsOf);
        }
        catch (OnnxRuntimeException e)
        {
            return new(Agrees: false, IsSlower: false, $"it fails: {SafeText.Message(e)}");
        }
    }

    /// <param name="Agrees">Whether its values are those of libtorch.</param>
    /// <param name="IsSlower">Whether it takes more time, where that matters.</param>
    /// <param name="Reason">The reason, for the log: a clause on the engine.</param>
    public sealed record Verdict(bool Agrees, bool IsSlower, string Reason)
    {
        /// <summary>Whether the engine is used.</summary>
        public bool IsAccepted => Agrees && !IsSlower;
    }

    private static Verdict Compare(
        Func<float[]> libTorch, Func<float[]> engine, bool isRelative, bool mustBeFaster, Func<string, Action, double> seconds)
    {
        var (expected, actual) = (libTorch(), engine()); // and a warm-up
        var difference = Difference(expected, actual, isRelative);
        var found = FormattableString.Invariant($"its values differ by up to {difference:0.0e+0}");
        if (!(difference <= Tolerance))
            return new(Agrees: false, IsSlower: false, FormattableString.Invariant($"{found}, at most {Tolerance} is expected"));
        if (!mustBeFaster)
            return new(Agrees: true, IsSlower: false, found);
        var (plain, other) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < MostRounds && (round == 0 || other > plain); round++)
        {
            plain = Math.Min(plain, seconds(StageEngine.LibTorch, () => libTorch()));
            other = Math.Min(other, seconds("engine", () => engine()));
        }
        return new(Agrees: true, IsSlower: other > plain, FormattableString.Invariant(
            $"it takes {other * 1e3:0.0} ms where libtorch takes {plain * 1e3:0.0} ms, and {found}"));
    }

    // NaN equals NaN, as in the scores of words that a row does not have, and differs from all numbers.
    private static float Difference(float[] expected, float[] actual, bool isRelative)
    {
        if (expected.Length != actual.Length)
            return float.PositiveInfinity;
        var largest = isRelative ? expected.Max(MathF.Abs) : 1;
        return expected.Zip(actual, (a, b) => a.Equals(b) ? 0 : MathF.Abs(a - b) / MathF.Max(largest, isRelative ? 0 : MathF.Abs(a)))
            .Max(difference => float.IsNaN(difference) ? float.PositiveInfinity : difference);
    }

    private static double SecondsOf(string engine, Action run)
    {
        var watch = Stopwatch.StartNew();
        run();
        return watch.Elapsed.TotalSeconds;
    }
}
