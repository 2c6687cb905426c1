using Microsoft.ML;
using MlNetFineTune.Tool;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>Files of rows that the command line reads.</summary>
internal static class Rows
{
    private static readonly MLContext s_ml = new(seed: 1);
    private static readonly Lazy<Scratch> s_folder = new(Scratch.New);

    public static void Csv(byte[] input) => Read("rows.csv", input);

    public static void Tsv(byte[] input) => Read("rows.tsv", input);

    private static void Read(string name, byte[] input)
    {
        s_folder.Value.Put(name, input.Length > 0 ? input : "\n"u8);
        _ = LabeledRows.Read(s_ml, Path.Combine(s_folder.Value.Path, name), new ColumnNames()).Labels.Count;
    }
}
